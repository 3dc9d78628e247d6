import Contracts
import HTTPKit
import Kernel

/// Whom and what a decision is about.
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

/// Gathers what a decision is made from and makes it; stores nothing.
struct Assessment: Sendable {
    private static let lookUpDeadline = Duration.seconds(4)

    let campaigns: CampaignStore
    let clientService: PeerClient
    let faults: any FaultInjector

    /// The checks, and what they were made from. Throws `RewardFailure.campaignUnknown`, and
    /// `PeerError` while client-service cannot tell of the participant.
    func judge(
        _ question: AssessmentQuestion
    ) async throws -> (decision: EligibilityDecision, inputs: JSONValue) {
        let standing = try await campaigns.standing(
            question.campaignID, revision: question.revision,
            participant: question.participantID, of: question.clientID)
        guard let standing else { throw RewardFailure.campaignUnknown(question.campaignID) }
        let profile = try await clientService.call(
            ClientContracts.lookUpParticipant,
            LookUpParticipantRequest(
                clientID: question.clientID, participantID: question.participantID),
            CallOptions(position: question.position, deadline: Self.lookUpDeadline))
        faults.reach(RewardCrashPoint.checkAfterLookUp)
        let inputs = EligibilityInputs(
            campaign: standing.definition, campaignStatus: standing.status,
            participant: profile.participant, event: question.event, now: standing.now,
            budgetAvailable: standing.budgetAvailable, rewardsGiven: standing.rewardsGiven,
            rewardsGivenToParticipant: standing.rewardsGivenToParticipant)
        let checks = EligibilityRules.judge(inputs)
        let decision = EligibilityDecision(
            decisionID: nil, eligible: checks.allSatisfy(\.passed), checks: checks,
            campaignRevision: standing.definition.revision, decidedAt: standing.now)
        return (decision, Self.record(inputs))
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
