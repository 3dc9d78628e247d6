package import Kernel

/// One revision of a campaign: all that others need to run it. Never changed once published.
package struct CampaignDefinition: Sendable, Codable, Hashable {
    package let campaignID: CampaignID
    package let clientID: ClientID
    /// Counts from 1; a running workflow stays on the revision it started with.
    package let revision: Int
    package let name: String
    package let pulse: Pulse
    package let status: CampaignStatus
    /// Events that start a run; any one of them.
    package let triggers: [CampaignTrigger]
    /// In the client's business time; nil means open on that side.
    package let startsAt: Timestamp?
    package let endsAt: Timestamp?
    /// Who may take part; nil means everybody. Fields: `participant.…`, `traits.…`, `event.…`.
    package let eligibility: Rule?
    package let rewardRules: [RewardRule]
    package let limits: CampaignLimits
    /// What may be spent and reserved in all.
    package let budget: Amount
    /// How referral links and attribution work; nil for a campaign without referral.
    package let referral: ReferralPolicy?
    /// What is written to whom when a run ends well; nil for nothing.
    package let notifications: [CampaignNotification]?

    package init(
        campaignID: CampaignID, clientID: ClientID, revision: Int, name: String, pulse: Pulse,
        status: CampaignStatus, triggers: [CampaignTrigger], startsAt: Timestamp?,
        endsAt: Timestamp?, eligibility: Rule?, rewardRules: [RewardRule], limits: CampaignLimits,
        budget: Amount, referral: ReferralPolicy? = nil,
        notifications: [CampaignNotification]? = nil
    ) {
        self.campaignID = campaignID
        self.clientID = clientID
        self.revision = revision
        self.name = name
        self.pulse = pulse
        self.status = status
        self.triggers = triggers
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.eligibility = eligibility
        self.rewardRules = rewardRules
        self.limits = limits
        self.budget = budget
        self.referral = referral
        self.notifications = notifications
    }

    private enum CodingKeys: String, CodingKey {
        case revision, name, pulse, status, triggers, eligibility, limits, budget
        case referral, notifications
        case campaignID = "campaign_id"
        case clientID = "client_id"
        case startsAt = "starts_at"
        case endsAt = "ends_at"
        case rewardRules = "reward_rules"
    }
}

/// The ready-made journeys. Only those that workflow-service can run are accepted at activation.
package enum Pulse: String, Sendable, Codable, CaseIterable {
    case signup, conversion
}

/// Where a campaign is in its life (DESIGN §7).
package enum CampaignStatus: String, Sendable, Codable, CaseIterable {
    case draft, active, paused, completed, expired, closed
    case inReview = "in_review"
}

/// An event that starts a run.
package struct CampaignTrigger: Sendable, Codable, Hashable {
    /// The event's type (`user_signed_up`).
    package let event: String
    /// Judged over `event.…`; nil means every such event.
    package let condition: Rule?
    /// Events believed less do not count; anyone can forge what a browser sends.
    package let minimumTrust: Trust

    package init(event: String, condition: Rule?, minimumTrust: Trust) {
        self.event = event
        self.condition = condition
        self.minimumTrust = minimumTrust
    }

    private enum CodingKeys: String, CodingKey {
        case event, condition
        case minimumTrust = "minimum_trust"
    }
}

/// What one side gets.
package struct RewardRule: Sendable, Codable, Hashable {
    /// Known within the campaign by this name (`welcome`): 1 to 50 of `a`–`z`, `0`–`9`, `_`.
    package let ruleID: String
    package let recipient: RewardRecipient
    package let kind: RewardKind
    package let amount: Amount
    package let approval: ApprovalPolicy
    package let fulfilment: FulfilmentPolicy

    package init(
        ruleID: String, recipient: RewardRecipient, kind: RewardKind, amount: Amount,
        approval: ApprovalPolicy, fulfilment: FulfilmentPolicy
    ) {
        self.ruleID = ruleID
        self.recipient = recipient
        self.kind = kind
        self.amount = amount
        self.approval = approval
        self.fulfilment = fulfilment
    }

    private enum CodingKeys: String, CodingKey {
        case recipient, kind, amount, approval, fulfilment
        case ruleID = "rule_id"
    }
}

/// The side that is rewarded: the person who acted, or the one who referred them.
package enum RewardRecipient: String, Sendable, Codable, CaseIterable {
    case participant, referrer
}

/// What is given. A credit is an amount on the participant's account in our ledger.
package enum RewardKind: String, Sendable, Codable, CaseIterable {
    case credit
}

/// Who says yes to an eligible reward.
package enum ApprovalPolicy: String, Sendable, Codable, CaseIterable {
    case automatic, manual
}

/// Whether an approved reward is handed over at once or on request.
package enum FulfilmentPolicy: String, Sendable, Codable, CaseIterable {
    case automatic, manual
}

/// Caps beside the budget.
package struct CampaignLimits: Sendable, Codable, Hashable {
    /// Rewards given in all; nil means no cap.
    package let maximumRewards: Int?
    /// Rewards given to one participant; nil means no cap.
    package let maximumRewardsPerParticipant: Int?

    package init(maximumRewards: Int? = nil, maximumRewardsPerParticipant: Int? = nil) {
        self.maximumRewards = maximumRewards
        self.maximumRewardsPerParticipant = maximumRewardsPerParticipant
    }

    private enum CodingKeys: String, CodingKey {
        case maximumRewards = "maximum_rewards"
        case maximumRewardsPerParticipant = "maximum_rewards_per_participant"
    }
}
