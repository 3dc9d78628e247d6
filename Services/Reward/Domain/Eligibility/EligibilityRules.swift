import Contracts
import Kernel

/// What an eligibility decision is made from. Gathered by the caller; the decision itself is pure.
struct EligibilityInputs: Sendable {
    let campaign: CampaignDefinition
    /// The status in force now, which may differ from the revision's own.
    let campaignStatus: CampaignStatus
    /// Nil when nothing is known of the participant.
    let participant: ParticipantProfile?
    /// `type`, `trust`, `occurred_at` and `properties` of the triggering event.
    let event: JSONValue
    /// The client's business time.
    let now: Timestamp
    /// What the budget account could still give.
    let budgetAvailable: Amount
    let rewardsGiven: Int
    let rewardsGivenToParticipant: Int
}

/// The checks of an eligibility decision, in order: campaign constraints, then who the person is.
///
/// Every check is made and reported even after one has failed, so that a refusal tells everything
/// that would have to change. Source: seed 002, diagram 11.
enum EligibilityRules {
    static func judge(_ inputs: EligibilityInputs) -> [EligibilityCheck] {
        [
            campaignActive(inputs), withinPeriod(inputs), budgetAvailable(inputs),
            campaignLimit(inputs), participantLimit(inputs), participantKnown(inputs),
            campaignRule(inputs),
        ]
    }

    private static func campaignActive(_ inputs: EligibilityInputs) -> EligibilityCheck {
        // A paused campaign still judges: its runs wait before the next effect instead.
        let passed = inputs.campaignStatus == .active || inputs.campaignStatus == .paused
        return EligibilityCheck(
            code: "campaign_active", passed: passed,
            detail: "The campaign is \(inputs.campaignStatus.rawValue).")
    }

    private static func withinPeriod(_ inputs: EligibilityInputs) -> EligibilityCheck {
        let campaign = inputs.campaign
        if let startsAt = campaign.startsAt, inputs.now < startsAt {
            return EligibilityCheck(
                code: "within_period", passed: false, detail: "The campaign starts at \(startsAt).")
        }
        if let endsAt = campaign.endsAt, inputs.now >= endsAt {
            return EligibilityCheck(
                code: "within_period", passed: false, detail: "The campaign ended at \(endsAt).")
        }
        return EligibilityCheck(
            code: "within_period", passed: true, detail: "The campaign is in its period.")
    }

    private static func budgetAvailable(_ inputs: EligibilityInputs) -> EligibilityCheck {
        let smallest = inputs.campaign.rewardRules.map(\.amount.units).min() ?? 0
        let passed = inputs.budgetAvailable.units >= smallest
        return EligibilityCheck(
            code: "budget_available", passed: passed,
            detail: "\(inputs.budgetAvailable) of the budget is left.")
    }

    private static func campaignLimit(_ inputs: EligibilityInputs) -> EligibilityCheck {
        guard let limit = inputs.campaign.limits.maximumRewards else {
            return EligibilityCheck(
                code: "campaign_limit", passed: true, detail: "The campaign has no cap on rewards.")
        }
        return EligibilityCheck(
            code: "campaign_limit", passed: inputs.rewardsGiven < limit,
            detail: "\(inputs.rewardsGiven) of at most \(limit) rewards are given.")
    }

    private static func participantLimit(_ inputs: EligibilityInputs) -> EligibilityCheck {
        guard let limit = inputs.campaign.limits.maximumRewardsPerParticipant else {
            return EligibilityCheck(
                code: "participant_limit", passed: true,
                detail: "The campaign has no cap on rewards per participant.")
        }
        return EligibilityCheck(
            code: "participant_limit", passed: inputs.rewardsGivenToParticipant < limit,
            detail: "The participant has \(inputs.rewardsGivenToParticipant) of at most \(limit).")
    }

    private static func participantKnown(_ inputs: EligibilityInputs) -> EligibilityCheck {
        EligibilityCheck(
            code: "participant_known", passed: inputs.participant != nil,
            detail: inputs.participant == nil
                ? "No event has told of this participant." : "The participant is known.")
    }

    private static func campaignRule(_ inputs: EligibilityInputs) -> EligibilityCheck {
        guard let rule = inputs.campaign.eligibility else {
            return EligibilityCheck(
                code: "campaign_rule", passed: true, detail: "The campaign is open to everybody.")
        }
        let outcome = rule.evaluate(facts(inputs))
        let failed = outcome.conditions.count { !$0.passed }
        return EligibilityCheck(
            code: "campaign_rule", passed: outcome.passed,
            detail: outcome.passed
                ? "The campaign's rule holds."
                : "The campaign's rule does not hold; \(failed) of its conditions failed.",
            conditions: outcome.conditions)
    }

    /// What the rule language sees. Traits are only those that can be trusted with money.
    static func facts(_ inputs: EligibilityInputs) -> JSONValue {
        var facts: [String: JSONValue] = ["event": inputs.event]
        if let participant = inputs.participant {
            facts["traits"] = participant.trustedTraits
            facts["participant"] = [
                "participant_id": .string(participant.participantID.description),
                "external_id": .string(participant.externalID),
                "first_seen_at": .string(participant.firstSeenAt.description),
                "signed_up_at": participant.signedUpAt.map { .string($0.description) } ?? .null,
                "tenure_days": .number(
                    JSONNumber(Int((inputs.now - participant.firstSeenAt).inSeconds / 86_400))),
            ]
        }
        facts["campaign"] = [
            "campaign_id": .string(inputs.campaign.campaignID.description),
            "rewards_given": .number(JSONNumber(inputs.rewardsGiven)),
        ]
        return .object(facts)
    }
}
