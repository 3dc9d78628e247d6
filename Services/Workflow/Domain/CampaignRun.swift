import Contracts
import Kernel

/// A run as the client's members see it.
struct CampaignRun: Sendable, Codable, Hashable {
    let runID: RunID
    let campaignID: CampaignID
    let revision: Int
    let pulse: Pulse
    let subject: String
    let participantID: ParticipantID
    /// The sender's id of the event that started it.
    let eventID: String
    let status: RunPhase
    /// How it ended: a slug, or the failure's code; nil until then.
    let outcome: String?
    /// What went wrong or was not given, as a sentence.
    let detail: String?
    let rewardIDs: [RewardID]
    let rules: [RuleResult]
    /// Whether somebody brought the participant; nil when nobody was asked.
    let conversion: JudgedConversion?
    /// The participant's own link.
    let link: IssuedLink?
    let notifications: [NotificationResult]
    let startedAt: Timestamp
    let finishedAt: Timestamp?

    private enum CodingKeys: String, CodingKey {
        case revision, pulse, subject, status, outcome, detail, rules
        case conversion, link, notifications
        case runID = "run_id"
        case campaignID = "campaign_id"
        case participantID = "participant_id"
        case eventID = "event_id"
        case rewardIDs = "reward_ids"
        case startedAt = "started_at"
        case finishedAt = "finished_at"
    }
}

/// Where a run is in its life.
enum RunPhase: String, Sendable, Codable, CaseIterable {
    case running, completed, failed, cancelled
    /// Stopped for an operator to look at.
    case attention
}

/// A run that was just started, with what is written down of it.
struct StartedRun: Sendable {
    let runID: RunID
    let input: PulseInput
    let eventID: String
    let startedAt: Timestamp
}

/// How a run ended.
struct RunEnd: Sendable {
    let status: RunPhase
    /// A slug, or the failure's code.
    let outcome: String
    let detail: String?
    var rules: [RuleResult] = []
    var conversion: JudgedConversion?
    var link: IssuedLink?
    var notifications: [NotificationResult] = []
}
