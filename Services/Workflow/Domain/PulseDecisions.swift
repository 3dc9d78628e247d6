import Contracts
import Kernel

/// What pulses decide between their steps. Pure, so that a replay decides the same.
enum PulseDecisions {
    /// Whether a side of the campaign gets what its rules promise.
    enum Side: Sendable, Hashable {
        case entitled(ParticipantID, decisionID: String)
        /// Nobody is there, or may not have it; each of the side's rules ends like this.
        case excluded(outcome: String, reason: String?)

        static let nobody = Side.excluded(outcome: "no_referrer", reason: nil)
    }

    /// What is to be done about a rule.
    enum RuleStep: Sendable, Hashable {
        case allocate(ParticipantID, decisionID: String)
        case skip(RuleResult)
    }

    /// What is to be done after an allocation.
    enum AfterAllocation: Sendable, Hashable {
        case fulfil(RewardSummary)
        case settled(RuleResult)
    }

    /// What is to be done about a message.
    enum NotificationStep: Sendable, Hashable {
        case send(to: ParticipantID)
        case skip(NotificationResult)
    }

    // MARK: - Sides

    /// The one who brought the participant, as far as that is known and they may have something.
    static func referrer(
        _ conversion: JudgedConversion?, _ eligibility: JudgedEligibility?
    ) -> Side {
        switch conversion?.outcome {
        case nil, .unattributed: return .nobody
        case .refused: return .excluded(outcome: "refused", reason: "conversion_refused")
        case .converted: break
        }
        guard let referrer = conversion?.referrerID, let eligibility else {
            return .nobody
        }
        return eligibility.isEligible
            ? .entitled(referrer, decisionID: eligibility.decisionID)
            : .excluded(outcome: "refused", reason: "not_eligible")
    }

    // MARK: - Rewards

    static func step(for rule: RewardRule, _ side: Side) -> RuleStep {
        switch side {
        case .entitled(let participant, let decisionID):
            .allocate(participant, decisionID: decisionID)
        case .excluded(let outcome, let reason):
            .skip(RuleResult(rule, outcome: outcome, reason: reason))
        }
    }

    /// What is asked for of these rules, in their order.
    static func grants(_ decided: [(rule: RewardRule, step: RuleStep)]) -> [GrantedRule] {
        decided.compactMap { rule, step in
            guard case .allocate(let participant, let decisionID) = step else { return nil }
            return GrantedRule(
                ruleID: rule.ruleID, participantID: participant, role: rule.recipient,
                decisionID: decisionID)
        }
    }

    static func after(_ answer: AllocateRewardResponse, of rule: RewardRule) -> AfterAllocation {
        guard answer.outcome != .refused, let reward = answer.reward else {
            return .settled(
                RuleResult(rule, outcome: "refused", reason: answer.reason ?? "refused"))
        }
        if reward.status == .approved, rule.fulfilment == .automatic { return .fulfil(reward) }
        return .settled(result(of: rule, reward))
    }

    /// Where a rule stands with its reward.
    static func result(of rule: RewardRule, _ reward: RewardSummary) -> RuleResult {
        let outcome =
            switch reward.status {
            case .earned, .pending, .eligible: "awaiting_approval"
            case .approved: "awaiting_fulfilment"
            default: reward.status.rawValue
            }
        return RuleResult(rule, outcome: outcome, reward)
    }

    static func outcome(of rules: [RuleResult]) -> PulseOutcome {
        if rules.contains(where: { $0.rewardID != nil }) { return .rewarded }
        return rules.contains { $0.reason != nil } ? .refused : .nothingDue
    }

    // MARK: - Messages

    /// A side is written to when it is there and got something of what it was promised.
    static func step(
        for notification: CampaignNotification, _ side: Side, after rules: [RuleResult]
    ) -> NotificationStep {
        let participant: ParticipantID
        switch side {
        case .entitled(let entitled, _): participant = entitled
        case .excluded(let outcome, let reason):
            return .skip(
                NotificationResult(notification, outcome: "skipped", reason: reason ?? outcome))
        }
        let theirs = rules.filter { $0.recipient == notification.recipient }
        guard theirs.isEmpty || theirs.contains(where: { $0.rewardID != nil }) else {
            return .skip(
                NotificationResult(notification, outcome: "skipped", reason: "not_rewarded"))
        }
        return .send(to: participant)
    }

    /// What the template may say. What there is none of is left out, so that a template that needs
    /// it is refused instead of showing a hole.
    static func variables(
        for recipient: RewardRecipient, _ input: PulseInput, _ plan: PulsePlan,
        link: IssuedLink?, rules: [RuleResult]
    ) -> JSONValue {
        var variables: [String: JSONValue] = [
            "campaign": [
                "name": .string(plan.campaignName),
                "campaign_id": .string(input.campaignID.description),
            ]
        ]
        if recipient == .participant, let link {
            variables["referral"] = ["code": .string(link.code), "url": .string(link.url)]
        }
        let first = rules.first { $0.recipient == recipient && $0.amount != nil }
        if let first, let amount = first.amount {
            variables["reward"] = [
                "units": .string(String(amount.units)), "asset": .string(amount.asset.code),
                "formatted": .string(amount.description), "rule_id": .string(first.ruleID),
            ]
        }
        if input.pulse == .conversion { variables["order"] = ["id": .string(input.subject)] }
        return .object(variables)
    }
}
