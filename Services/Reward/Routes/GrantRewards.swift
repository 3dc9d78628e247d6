import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `POST /internal/rewards/grant`: gives the rewards of one run in their order, and hands over what
/// needs no approval.
///
/// The grant keys make a repeat harmless; the caller's idempotency key adds nothing to them.
struct GrantRewards: Sendable {
    let definitions: DefinitionCache
    let granting: Granting
    let world: World

    func respond(
        _ input: GrantRewardsRequest, _ caller: ServicePrincipal
    ) async throws -> GrantRewardsResponse {
        try Self.check(input)
        let campaign = try await definitions.definition(
            input.campaignID, revision: input.revision, of: input.clientID)
        let grants = try input.grants.map { asked in
            try Grant(
                AllocateRewardRequest(
                    clientID: input.clientID, campaignID: input.campaignID,
                    revision: input.revision, ruleID: asked.ruleID,
                    participantID: asked.participantID, role: asked.role, subject: input.subject,
                    decisionID: asked.decisionID, runID: input.runID),
                in: campaign, fulfiller: caller.service.executableName, ids: world.ids)
        }
        let results = try await granting.give(GrantCall(grants: grants, limits: campaign.limits))
        world.faults.reach(RewardCrashPoint.grantAfterCommit)
        return GrantRewardsResponse(results: results)
    }

    private static func check(_ input: GrantRewardsRequest) throws {
        try Subject.check(input.subject)
        guard (1...GrantRewardsRequest.maximumGrants).contains(input.grants.count) else {
            throw Problem.invalid([
                .init(
                    pointer: "/grants", code: "invalid_value",
                    detail: "Ask for 1 to \(GrantRewardsRequest.maximumGrants) rewards.")
            ])
        }
    }
}
