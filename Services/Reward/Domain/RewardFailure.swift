import Contracts
import Kernel

/// Why a call could not do what it was asked to.
enum RewardFailure: Error, Sendable, Hashable {
    case campaignUnknown(CampaignID)
    case ruleUnknown(String)
    /// There is no such decision, or it was made about something else.
    case decisionMismatch
    /// The idempotency key names a decision about something else.
    case keyReused
    case rewardUnknown
    case decisionUnknown
    case accountUnknown
    case illegalTransition(from: RewardStatus, to: RewardStatus)
    /// The account that would give has less than the amount.
    case balanceTooLow
    /// More allocations wait than may wait.
    case overloaded
    /// What stood in the way went away while it was looked at.
    case changedMeanwhile
}

/// Why an attempt gave nothing. Stored, and told to the caller.
enum RefusalReason: String, Error, Sendable, Hashable {
    case budgetExceeded = "budget_exceeded"
    case limitReached = "limit_reached"
    case notEligible = "not_eligible"
    /// There was a reward, and a person refused it.
    case rejected
}
