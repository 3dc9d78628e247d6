import Contracts
import Kernel

/// What a run is told at its start. Kept for as long as the run.
struct PulseInput: Sendable, Codable, Hashable {
    let clientID: ClientID
    let campaignID: CampaignID
    /// The run stays on it, whatever becomes of the campaign.
    let revision: Int
    let pulse: Pulse
    let participantID: ParticipantID
    let subject: String
    /// What rules may know of the event that started the run, as JSON text: numbers keep the form
    /// in which the client wrote them, however large.
    let event: String
    /// Where that event stands: whoever is asked must have seen it.
    let position: LogPosition

    /// What makes the run the only one of its kind within the client.
    var keyName: String { "\(campaignID)/\(subject)" }
}

/// What a run came to.
struct PulseResult: Sendable, Codable, Hashable {
    let outcome: PulseOutcome
    /// The decision that it rests on, when there was one.
    let decisionID: String?
    /// The checks of the decision that did not hold.
    let failedChecks: [String]
    /// In the order of the campaign's rules.
    let rules: [RuleResult]

    init(
        _ outcome: PulseOutcome, decisionID: String? = nil, failedChecks: [String] = [],
        rules: [RuleResult] = []
    ) {
        self.outcome = outcome
        self.decisionID = decisionID
        self.failedChecks = failedChecks
        self.rules = rules
    }

    /// Why somebody got nothing, for members; nil when there is nothing to explain.
    var explanation: String? {
        guard outcome == .notEligible, let decisionID else { return nil }
        return "Decision \(decisionID): not passed \(failedChecks.joined(separator: ", "))."
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
    /// The campaign ended before it was decided who may take part.
    case campaignEnded = "campaign_ended"
}

/// What became of one reward rule.
struct RuleResult: Sendable, Codable, Hashable {
    let ruleID: String
    /// A slug: `fulfilled`, `awaiting_approval`, `awaiting_fulfilment`, `refused`, …
    let outcome: String
    let rewardID: RewardID?
    /// Why it was refused.
    let reason: String?

    init(ruleID: String, outcome: String, rewardID: RewardID? = nil, reason: String? = nil) {
        self.ruleID = ruleID
        self.outcome = outcome
        self.rewardID = rewardID
        self.reason = reason
    }

    private enum CodingKeys: String, CodingKey {
        case outcome, reason
        case ruleID = "rule_id"
        case rewardID = "reward_id"
    }
}
