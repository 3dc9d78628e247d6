import Contracts
import HTTPKit
import Kernel

/// The one place where failures of this service become answers.
extension RewardFailure: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .campaignUnknown:
            Problem(
                status: 404, code: "campaign_unknown",
                detail: "There is no such campaign, or not in that revision.")
        case .ruleUnknown:
            .unprocessable("rule_unknown", "The campaign has no such reward rule for that side.")
        case .decisionMismatch:
            .unprocessable(
                "decision_mismatch",
                "There is no eligibility decision of that id about this participant and subject.")
        case .keyReused:
            .unprocessable(
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request. Use a new key for a new one.")
        case .rewardUnknown: .notFound("reward")
        case .decisionUnknown: .notFound("decision")
        case .accountUnknown: .notFound("account")
        case .illegalTransition(let from, let to):
            .conflict(
                "illegal_transition",
                "A reward that is \(from.rawValue) cannot become \(to.rawValue).")
        case .balanceTooLow:
            .conflict("balance_too_low", "The account that would give holds less than the amount.")
        case .overloaded:
            .unavailable("overloaded", "Too many allocations wait already. Try again shortly.")
        case .changedMeanwhile: .unavailable()
        }
    }
}
