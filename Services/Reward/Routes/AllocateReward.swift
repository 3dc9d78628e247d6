import Contracts
import Kernel

/// `POST /internal/rewards/allocate`: gives a reward, or tells that there is one, or why not.
///
/// The grant key makes a repeat harmless; the caller's idempotency key adds nothing to it.
struct AllocateReward: Sendable {
    let definitions: DefinitionCache
    let granting: Granting
    let world: World

    func respond(_ input: AllocateRewardRequest) async throws -> AllocateRewardResponse {
        try Subject.check(input.subject)
        let campaign = try await definitions.definition(
            input.campaignID, revision: input.revision, of: input.clientID)
        let grant = try Grant(input, in: campaign, ids: world.ids)
        let responses = try await granting.give(
            GrantCall(grants: [grant], limits: campaign.limits))
        world.faults.reach(RewardCrashPoint.grantAfterCommit)
        return responses[0]
    }
}
