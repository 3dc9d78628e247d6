import Contracts
import Kernel

/// What the signup pulse decides between its steps. Pure, so that a replay decides the same.
enum SignupDecisions {
    /// What is to be done about a rule.
    enum RuleStep: Sendable, Hashable {
        case allocate
        case skip(RuleResult)
    }

    /// What is to be done after an allocation.
    enum AfterAllocation: Sendable, Hashable {
        case fulfil(RewardID)
        case settled(RuleResult)
    }

    static func step(for rule: RewardRule) -> RuleStep {
        switch rule.recipient {
        case .participant: .allocate
        // Nobody can say yet who referred the participant.
        case .referrer: .skip(RuleResult(ruleID: rule.ruleID, outcome: "no_referrer"))
        }
    }

    static func after(_ answer: AllocateRewardResponse, of rule: RewardRule) -> AfterAllocation {
        guard answer.outcome != .refused, let reward = answer.reward else {
            return .settled(
                RuleResult(
                    ruleID: rule.ruleID, outcome: "refused", reason: answer.reason ?? "refused"))
        }
        if reward.status == .approved, rule.fulfilment == .automatic {
            return .fulfil(reward.rewardID)
        }
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
        return RuleResult(ruleID: rule.ruleID, outcome: outcome, rewardID: reward.rewardID)
    }

    static func outcome(of rules: [RuleResult]) -> PulseOutcome {
        if rules.contains(where: { $0.rewardID != nil }) { return .rewarded }
        return rules.contains { $0.reason != nil } ? .refused : .nothingDue
    }
}
