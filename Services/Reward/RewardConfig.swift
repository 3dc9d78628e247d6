package import ServiceKit

/// Settings of reward-service beside the common ones.
package struct RewardConfiguration: ServiceConfiguration {
    /// The most allocations of one campaign in one transaction.
    let allocationBatchLimit: Int

    package init(_ environment: inout EnvironmentReader) {
        allocationBatchLimit = environment.integer(
            "GRAPEVINE_REWARD_ALLOCATION_BATCH", default: 64, in: 1...500,
            "Allocations of one campaign that may share a transaction.")
    }
}
