package import Kernel

/// One reward among those that a run asks for.
package struct GrantedRule: Sendable, Codable, Hashable {
    package let ruleID: String
    package let participantID: ParticipantID
    package let role: RewardRecipient
    /// The stored decision that it rests on.
    package let decisionID: String

    package init(
        ruleID: String, participantID: ParticipantID, role: RewardRecipient, decisionID: String
    ) {
        self.ruleID = ruleID
        self.participantID = participantID
        self.role = role
        self.decisionID = decisionID
    }

    private enum CodingKeys: String, CodingKey {
        case role
        case ruleID = "rule_id"
        case participantID = "participant_id"
        case decisionID = "decision_id"
    }
}

/// What a run wants to give for one subject.
package struct GrantRewardsRequest: Sendable, Codable {
    /// The most rewards of one request.
    package static let maximumGrants = 20

    package let clientID: ClientID
    package let campaignID: CampaignID
    /// The revision that the run started with.
    package let revision: Int
    /// What was achieved; with campaign, rule, recipient and role this is the grant key.
    package let subject: String
    /// The run that asks; kept as the actor in the rewards' history.
    package let runID: RunID
    /// One to `maximumGrants`, the first claim on what is left first.
    package let grants: [GrantedRule]

    package init(
        clientID: ClientID, campaignID: CampaignID, revision: Int, subject: String, runID: RunID,
        grants: [GrantedRule]
    ) {
        self.clientID = clientID
        self.campaignID = campaignID
        self.revision = revision
        self.subject = subject
        self.runID = runID
        self.grants = grants
    }

    private enum CodingKeys: String, CodingKey {
        case revision, subject, grants
        case clientID = "client_id"
        case campaignID = "campaign_id"
        case runID = "run_id"
    }
}

/// What became of each, in the order in which they were asked for.
package struct GrantRewardsResponse: Sendable, Codable, Hashable {
    /// A reward has the status that it reached: `fulfilled` when it was handed over.
    package let results: [AllocateRewardResponse]

    package init(results: [AllocateRewardResponse]) {
        self.results = results
    }
}
