import Contracts
import Kernel

/// A reward as the portal shows it.
struct RewardAnswer: Encodable, Sendable {
    struct Step: Encodable, Sendable {
        let from: RewardStatus?
        let to: RewardStatus
        let actor: String
        let reason: String
        let at: Timestamp
    }

    let reward: RewardRow
    /// Nil in lists.
    let history: [RewardStep]?

    private enum CodingKeys: String, CodingKey {
        case role, subject, amount, status, history
        case rewardID = "reward_id"
        case campaignID = "campaign_id"
        case campaignRevision = "campaign_revision"
        case ruleID = "rule_id"
        case participantID = "participant_id"
        case decisionID = "decision_id"
        case runID = "run_id"
        case createdAt = "created_at"
        case statusAt = "status_at"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        let summary = reward.summary
        try container.encode(summary.rewardID, forKey: .rewardID)
        try container.encode(summary.campaignID, forKey: .campaignID)
        try container.encode(reward.campaignRevision, forKey: .campaignRevision)
        try container.encode(summary.ruleID, forKey: .ruleID)
        try container.encode(summary.participantID, forKey: .participantID)
        try container.encode(summary.role, forKey: .role)
        try container.encode(summary.subject, forKey: .subject)
        try container.encode(summary.amount, forKey: .amount)
        try container.encode(summary.status, forKey: .status)
        try container.encode(reward.decisionID, forKey: .decisionID)
        try container.encode(reward.runID, forKey: .runID)
        try container.encode(reward.createdAt, forKey: .createdAt)
        try container.encode(reward.statusAt, forKey: .statusAt)
        try container.encodeIfPresent(
            history?.map {
                Step(from: $0.from, to: $0.to, actor: $0.actor, reason: $0.reason, at: $0.at)
            }, forKey: .history)
    }
}
