import Contracts
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit

/// `POST /internal/rewards/grant`: gives the rewards of one run in their order, and hands over what
/// needs no approval.
///
/// The grant keys make a repeat harmless; the caller's idempotency key adds nothing to them.
struct GrantRewards: Sendable {
    let allocate: AllocateReward
    let fulfil: FulfilReward
    let definitions: DefinitionCache

    func respond(
        _ input: GrantRewardsRequest, _ caller: ServicePrincipal
    ) async throws -> GrantRewardsResponse {
        try Self.check(input)
        let campaign = try await definitions.definition(
            input.campaignID, revision: input.revision, of: input.clientID)
        var results: [AllocateRewardResponse] = []
        for grant in input.grants {
            let response = try await allocate.respond(
                AllocateRewardRequest(
                    clientID: input.clientID, campaignID: input.campaignID,
                    revision: input.revision, ruleID: grant.ruleID,
                    participantID: grant.participantID, role: grant.role, subject: input.subject,
                    decisionID: grant.decisionID, runID: input.runID))
            let isAutomatic = campaign.rewardRules.contains {
                $0.ruleID == grant.ruleID && $0.fulfilment == .automatic
            }
            guard let reward = response.reward, reward.status == .approved, isAutomatic else {
                results.append(response)
                continue
            }
            let fulfilled = try await fulfil.respond(
                FulfilRewardRequest(clientID: input.clientID, rewardID: reward.rewardID), caller)
            results.append(
                AllocateRewardResponse(
                    outcome: response.outcome, reward: fulfilled, reason: response.reason))
        }
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
