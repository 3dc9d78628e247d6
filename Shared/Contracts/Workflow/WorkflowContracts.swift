package import Kernel

/// The types of the messages that workflow-service publishes; the data is a `WorkflowOutcome`.
package enum WorkflowMessage {
    package static let completed = "workflow.completed"
    package static let failed = "workflow.failed"
}

/// How a run ended.
package struct WorkflowOutcome: Sendable, Codable, Hashable {
    package let runID: RunID
    package let campaignID: CampaignID
    package let pulse: Pulse
    package let subject: String
    /// A stable slug (`rewarded`, `not_eligible`, `refused`, `not_attributed`), or the failure's
    /// code.
    package let outcome: String
    package let rewardIDs: [RewardID]

    package init(
        runID: RunID, campaignID: CampaignID, pulse: Pulse, subject: String, outcome: String,
        rewardIDs: [RewardID]
    ) {
        self.runID = runID
        self.campaignID = campaignID
        self.pulse = pulse
        self.subject = subject
        self.outcome = outcome
        self.rewardIDs = rewardIDs
    }

    private enum CodingKeys: String, CodingKey {
        case pulse, subject, outcome
        case runID = "run_id"
        case campaignID = "campaign_id"
        case rewardIDs = "reward_ids"
    }
}
