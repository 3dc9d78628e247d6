import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import RewardService

/// A person who acted and one who brought them, each with a decision that says yes.
struct GrantPair: Sendable {
    let bea: ParticipantID
    let ada: ParticipantID
    let subject: String
    /// One for each rule of the campaign.
    let grants: [GrantedRule]

    static func make(
        _ campaign: CampaignDefinition, _ harness: RewardHarness
    ) async throws -> GrantPair {
        let (bea, ada) = (ParticipantID(UUID()), ParticipantID(UUID()))
        let subject = "order-\(UUID())"
        var grants: [GrantedRule] = []
        for rule in campaign.rewardRules {
            let person = rule.recipient == .participant ? bea : ada
            let decision = try await harness.check(campaign, person, subject: subject)
            let id = try #require(decision.decisionID)
            grants.append(
                GrantedRule(
                    ruleID: rule.ruleID, participantID: person, role: rule.recipient,
                    decisionID: id))
        }
        return GrantPair(bea: bea, ada: ada, subject: subject, grants: grants)
    }
}
