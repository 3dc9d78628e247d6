package import HTTPKit
package import Kernel

/// What reward-service does for the other services.
package enum RewardContracts {
    /// Judges and stores a decision. The same idempotency key gives the stored decision again.
    package static let checkEligibility = Endpoint<CheckEligibilityRequest, EligibilityDecision>(
        path: "/internal/eligibility/check", safety: .keyed)

    /// Creates several rewards of one run in their order, which has the first claim on what is left
    /// of a budget, and hands over at once what needs no approval, all in one transaction. What is
    /// there already is told, and handed over if it was left approved.
    package static let grant = Endpoint<GrantRewardsRequest, GrantRewardsResponse>(
        path: "/internal/rewards/grant", safety: .keyed)

    /// Creates a reward and reserves its amount, or says why not. At most one success per grant
    /// key.
    package static let allocate = Endpoint<AllocateRewardRequest, AllocateRewardResponse>(
        path: "/internal/rewards/allocate", safety: .keyed)

    /// Hands an approved reward over. Fulfilling a fulfilled reward changes nothing.
    package static let fulfil = Endpoint<FulfilRewardRequest, RewardSummary>(
        path: "/internal/rewards/fulfil", safety: .keyed)
}

/// The types of the messages that reward-service publishes; the data is a `RewardSummary`.
package enum RewardMessage {
    package static let allocated = "reward.allocated"
    package static let rejected = "reward.rejected"
    package static let approved = "reward.approved"
    package static let fulfilled = "reward.fulfilled"
    package static let failed = "reward.failed"
    package static let expired = "reward.expired"
    package static let redeemed = "reward.redeemed"
    package static let reversed = "reward.reversed"
}

/// Where a reward is in its life (DESIGN §7).
package enum RewardStatus: String, Sendable, Codable, CaseIterable {
    case earned, pending, eligible, approved, fulfilled, redeemed
    case rejected, expired, failed, reversed
}

package struct CheckEligibilityRequest: Sendable, Codable {
    package let clientID: ClientID
    package let campaignID: CampaignID
    /// The revision that the run started with.
    package let revision: Int
    /// Who would be rewarded.
    package let participantID: ParticipantID
    /// What was achieved (an order id, a participant's sign-up), not the message that told of it.
    package let subject: String
    /// The triggering event: `type`, `trust`, `occurred_at` and `properties`.
    package let event: JSONValue
    /// True to judge without storing.
    package let dryRun: Bool

    package init(
        clientID: ClientID, campaignID: CampaignID, revision: Int, participantID: ParticipantID,
        subject: String, event: JSONValue, dryRun: Bool
    ) {
        self.clientID = clientID
        self.campaignID = campaignID
        self.revision = revision
        self.participantID = participantID
        self.subject = subject
        self.event = event
        self.dryRun = dryRun
    }

    private enum CodingKeys: String, CodingKey {
        case revision, subject, event
        case clientID = "client_id"
        case campaignID = "campaign_id"
        case participantID = "participant_id"
        case dryRun = "dry_run"
    }
}

/// A verdict with everything that led to it.
package struct EligibilityDecision: Sendable, Codable, Hashable {
    /// Names the stored decision; nil for a dry run.
    package let decisionID: String?
    package let eligible: Bool
    /// Every check in the order it was made, passed or not.
    package let checks: [EligibilityCheck]
    package let campaignRevision: Int
    package let decidedAt: Timestamp

    package init(
        decisionID: String?, eligible: Bool, checks: [EligibilityCheck], campaignRevision: Int,
        decidedAt: Timestamp
    ) {
        self.decisionID = decisionID
        self.eligible = eligible
        self.checks = checks
        self.campaignRevision = campaignRevision
        self.decidedAt = decidedAt
    }

    private enum CodingKeys: String, CodingKey {
        case eligible, checks
        case decisionID = "decision_id"
        case campaignRevision = "campaign_revision"
        case decidedAt = "decided_at"
    }
}

/// One check of a decision.
package struct EligibilityCheck: Sendable, Codable, Hashable {
    /// A stable slug (`campaign_active`, `within_period`, `rule`, `budget_available`).
    package let code: String
    package let passed: Bool
    /// Why, as a sentence for a person.
    package let detail: String
    /// The conditions of a rule; empty for built-in checks.
    package let conditions: [ConditionOutcome]

    package init(
        code: String, passed: Bool, detail: String, conditions: [ConditionOutcome] = []
    ) {
        self.code = code
        self.passed = passed
        self.detail = detail
        self.conditions = conditions
    }
}

package struct AllocateRewardRequest: Sendable, Codable {
    package let clientID: ClientID
    package let campaignID: CampaignID
    package let revision: Int
    package let ruleID: String
    package let participantID: ParticipantID
    package let role: RewardRecipient
    /// With campaign, rule, recipient and role this is the grant key.
    package let subject: String
    /// The stored decision that this allocation rests on.
    package let decisionID: String
    /// The run that asks; kept as the actor in the reward's history.
    package let runID: RunID

    package init(
        clientID: ClientID, campaignID: CampaignID, revision: Int, ruleID: String,
        participantID: ParticipantID, role: RewardRecipient, subject: String, decisionID: String,
        runID: RunID
    ) {
        self.clientID = clientID
        self.campaignID = campaignID
        self.revision = revision
        self.ruleID = ruleID
        self.participantID = participantID
        self.role = role
        self.subject = subject
        self.decisionID = decisionID
        self.runID = runID
    }

    private enum CodingKeys: String, CodingKey {
        case revision, role, subject
        case clientID = "client_id"
        case campaignID = "campaign_id"
        case ruleID = "rule_id"
        case participantID = "participant_id"
        case decisionID = "decision_id"
        case runID = "run_id"
    }
}

/// What became of an allocation.
package struct AllocateRewardResponse: Sendable, Codable, Hashable {
    package enum Outcome: String, Sendable, Codable {
        /// A reward was created by this call.
        case allocated
        /// This grant already has its reward; it is returned.
        case existing
        /// No reward; `reason` says why (`budget_exceeded`, `not_eligible`, `limit_reached`,
        /// `rejected`).
        case refused
    }

    package let outcome: Outcome
    package let reward: RewardSummary?
    package let reason: String?

    package init(outcome: Outcome, reward: RewardSummary?, reason: String?) {
        self.outcome = outcome
        self.reward = reward
        self.reason = reason
    }
}

package struct FulfilRewardRequest: Sendable, Codable {
    package let clientID: ClientID
    package let rewardID: RewardID

    package init(clientID: ClientID, rewardID: RewardID) {
        self.clientID = clientID
        self.rewardID = rewardID
    }

    private enum CodingKeys: String, CodingKey {
        case clientID = "client_id"
        case rewardID = "reward_id"
    }
}

/// A reward as others see it.
package struct RewardSummary: Sendable, Codable, Hashable {
    package let rewardID: RewardID
    package let campaignID: CampaignID
    package let ruleID: String
    package let participantID: ParticipantID
    package let role: RewardRecipient
    package let subject: String
    package let amount: Amount
    package let status: RewardStatus

    package init(
        rewardID: RewardID, campaignID: CampaignID, ruleID: String, participantID: ParticipantID,
        role: RewardRecipient, subject: String, amount: Amount, status: RewardStatus
    ) {
        self.rewardID = rewardID
        self.campaignID = campaignID
        self.ruleID = ruleID
        self.participantID = participantID
        self.role = role
        self.subject = subject
        self.amount = amount
        self.status = status
    }

    private enum CodingKeys: String, CodingKey {
        case role, subject, amount, status
        case rewardID = "reward_id"
        case campaignID = "campaign_id"
        case ruleID = "rule_id"
        case participantID = "participant_id"
    }
}
