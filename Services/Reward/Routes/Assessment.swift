import Contracts
import HTTPKit
import Kernel

/// Whom and what a decision is about that is not kept.
struct AssessmentQuestion: Sendable {
    let clientID: ClientID
    let campaignID: CampaignID
    /// Nil for the one in force.
    let revision: Int?
    let participantID: ParticipantID
    let event: JSONValue
    /// How far the participant must be known, as the caller said.
    let position: String?
}

/// A decision without an id, and what it was made from.
struct Verdict: Sendable {
    let decision: EligibilityDecision
    let inputs: JSONValue
}

/// Gathers what a decision is made from and makes it; stores nothing.
struct Assessment: Sendable {
    let campaigns: CampaignStore
    let profiles: ProfileLookUp

    /// Throws `RewardFailure.campaignUnknown`, and `PeerError` while client-service cannot tell of
    /// the participant.
    func judge(_ question: AssessmentQuestion) async throws -> Verdict {
        let standing = try await campaigns.standing(
            question.campaignID, revision: question.revision,
            participant: question.participantID, of: question.clientID)
        guard let standing else { throw RewardFailure.campaignUnknown(question.campaignID) }
        let profile = try await profiles.find(
            question.participantID, of: question.clientID, at: question.position)
        return Self.judge(standing, profile, question.event)
    }

    /// The decision itself.
    static func judge(
        _ standing: CampaignStanding, _ participant: ParticipantProfile?, _ event: JSONValue
    ) -> Verdict {
        let inputs = EligibilityInputs(
            campaign: standing.definition, campaignStatus: standing.status,
            participant: participant, event: event, now: standing.now,
            budgetAvailable: standing.budgetAvailable, rewardsGiven: standing.rewardsGiven,
            rewardsGivenToParticipant: standing.rewardsGivenToParticipant)
        let checks = EligibilityRules.judge(inputs)
        return Verdict(
            decision: EligibilityDecision(
                decisionID: nil, eligible: checks.allSatisfy(\.passed), checks: checks,
                campaignRevision: standing.definition.revision, decidedAt: standing.now),
            inputs: record(inputs))
    }

    /// What is kept with the decision: what the rule saw, and the numbers of the other checks.
    private static func record(_ inputs: EligibilityInputs) -> JSONValue {
        guard case .object(var record) = EligibilityRules.facts(inputs) else { return [:] }
        record["campaign_status"] = .string(inputs.campaignStatus.rawValue)
        record["business_time"] = .string(inputs.now.description)
        record["budget_available"] = [
            "units": .string(String(inputs.budgetAvailable.units)),
            "asset": .string(inputs.budgetAvailable.asset.code),
        ]
        record["rewards_given_to_participant"] = .number(
            JSONNumber(inputs.rewardsGivenToParticipant))
        return JSONValue.object(record).storable
    }
}
