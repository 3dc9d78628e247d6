import Contracts
import Kernel

/// What a run came to.
struct PulseResult: Sendable, Codable, Hashable {
    let outcome: PulseOutcome
    /// The decision that it rests on, when there was one.
    let decisionID: String?
    /// The checks of the decision that did not hold.
    let failedChecks: [String]
    /// Whether somebody brought the participant; nil when nobody was asked.
    var conversion: JudgedConversion?
    /// What was decided of the referrer; nil when nobody was asked.
    var referrerEligibility: JudgedEligibility?
    /// The participant's own link.
    var link: IssuedLink?
    /// In the order of the campaign's rules.
    var rules: [RuleResult] = []
    /// In the order of the campaign's notifications.
    var notifications: [NotificationResult] = []

    init(
        _ outcome: PulseOutcome, decisionID: String? = nil, failedChecks: [String] = [],
        conversion: JudgedConversion? = nil
    ) {
        self.outcome = outcome
        self.decisionID = decisionID
        self.failedChecks = failedChecks
        self.conversion = conversion
    }

    /// Why somebody got nothing, for members; nil when there is nothing to explain.
    var explanation: String? {
        var reasons: [String] = []
        if outcome == .notEligible, let decisionID {
            reasons.append(Self.sentence("Decision", decisionID, failedChecks))
        }
        if let conversion, conversion.outcome != .converted {
            reasons.append(
                Self.sentence("Attribution", conversion.decisionID, conversion.failedChecks))
        }
        if let referrer = referrerEligibility, !referrer.isEligible {
            reasons.append(
                Self.sentence(
                    "Decision on the referrer", referrer.decisionID, referrer.failedChecks))
        }
        return reasons.isEmpty ? nil : reasons.joined(separator: " ")
    }

    private static func sentence(_ what: String, _ id: String?, _ failed: [String]) -> String {
        let name = [what, id].compactMap(\.self).joined(separator: " ")
        return "\(name): not passed \(failed.joined(separator: ", "))."
    }
}

/// What the run keeps of a decision; all of it is with reward-service.
struct JudgedEligibility: Sendable, Codable, Hashable {
    let decisionID: String
    let isEligible: Bool
    /// The codes of what did not hold.
    let failedChecks: [String]
}

/// What the run keeps of an attribution; all of it is with referral-service.
struct JudgedConversion: Sendable, Codable, Hashable {
    let outcome: ConversionDecision.Outcome
    let decisionID: String?
    let conversionID: ConversionID?
    /// Set when the outcome is `converted`.
    let referrerID: ParticipantID?
    /// The codes of what did not hold.
    let failedChecks: [String]

    private enum CodingKeys: String, CodingKey {
        case outcome
        case decisionID = "decision_id"
        case conversionID = "conversion_id"
        case referrerID = "referrer_id"
        case failedChecks = "failed_checks"
    }
}

/// The participant's own referral link.
struct IssuedLink: Sendable, Codable, Hashable {
    let linkID: LinkID
    let code: String
    let url: String

    private enum CodingKeys: String, CodingKey {
        case code, url
        case linkID = "link_id"
    }
}

/// How a run ended well; a stable slug that others read.
enum PulseOutcome: String, Sendable, Codable, CaseIterable {
    /// At least one reward is there.
    case rewarded
    /// The participant may not take part.
    case notEligible = "not_eligible"
    /// Every reward was refused (the budget is spent, a limit reached).
    case refused
    /// The campaign rewards nobody on this way.
    case nothingDue = "nothing_due"
    /// Nobody brought the participant, or too long ago, and the pulse rewards only who was brought.
    case notAttributed = "not_attributed"
    /// Somebody brought the participant, but it must not count (themselves).
    case conversionRefused = "conversion_refused"
    /// The campaign ended before it was decided who may take part.
    case campaignEnded = "campaign_ended"
}

/// What became of one reward rule.
struct RuleResult: Sendable, Codable, Hashable {
    let ruleID: String
    /// The side; nil in runs from before there were two.
    let recipient: RewardRecipient?
    /// A slug: `fulfilled`, `awaiting_approval`, `awaiting_fulfilment`, `refused`, …
    let outcome: String
    let rewardID: RewardID?
    let amount: Amount?
    /// Why it was refused.
    let reason: String?

    init(_ rule: RewardRule, outcome: String, reason: String? = nil) {
        ruleID = rule.ruleID
        recipient = rule.recipient
        self.outcome = outcome
        rewardID = nil
        amount = nil
        self.reason = reason
    }

    init(_ rule: RewardRule, outcome: String, _ reward: RewardSummary) {
        ruleID = rule.ruleID
        recipient = rule.recipient
        self.outcome = outcome
        rewardID = reward.rewardID
        amount = reward.amount
        reason = nil
    }

    private enum CodingKeys: String, CodingKey {
        case recipient, outcome, amount, reason
        case ruleID = "rule_id"
        case rewardID = "reward_id"
    }
}

/// What became of one message.
struct NotificationResult: Sendable, Codable, Hashable {
    let recipient: RewardRecipient
    let template: String
    /// A slug: `queued`, `refused`, `skipped`, `failed`.
    let outcome: String
    /// Why it is not sent (`no_address`, `not_rewarded`, …).
    let reason: String?
    let notificationID: NotificationID?

    init(
        _ notification: CampaignNotification, outcome: String, reason: String? = nil,
        notificationID: NotificationID? = nil
    ) {
        recipient = notification.recipient
        template = notification.template
        self.outcome = outcome
        self.reason = reason
        self.notificationID = notificationID
    }

    private enum CodingKeys: String, CodingKey {
        case recipient, template, outcome, reason
        case notificationID = "notification_id"
    }
}
