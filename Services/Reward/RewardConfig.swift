package import ServiceKit

/// Settings of reward-service beside the common ones.
package struct RewardConfiguration: ServiceConfiguration {
    /// The rewards after which a transaction takes no further call.
    let allocationBatchLimit: Int

    package init(_ environment: inout EnvironmentReader) {
        allocationBatchLimit = environment.integer(
            "GRAPEVINE_REWARD_ALLOCATION_BATCH", default: 64, in: 1...500,
            "Rewards after which a transaction takes no further call.")
    }
}
