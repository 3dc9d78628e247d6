import Contracts
import Kernel

/// What anyone may know of a campaign: what a page needs to offer it. Budget, limits, triggers and
/// rules of eligibility stay with the client.
struct PublicCampaign: Sendable, Encodable {
    /// What one side gets.
    struct Reward: Sendable, Encodable {
        let recipient: RewardRecipient
        let kind: RewardKind
        let amount: Amount
    }

    let campaignID: CampaignID
    let revision: Int
    let pulse: Pulse
    /// Whether somebody who acts now may be rewarded.
    let isRunning: Bool
    let startsAt: Timestamp?
    let endsAt: Timestamp?
    let rewards: [Reward]
    /// Where referral links lead; nil for a campaign that gives out none.
    let destinationURL: String?

    private enum CodingKeys: String, CodingKey {
        case revision, pulse, rewards
        case campaignID = "campaign_id"
        case isRunning = "is_running"
        case startsAt = "starts_at"
        case endsAt = "ends_at"
        case destinationURL = "destination_url"
    }

    /// Nil for a campaign that was never published. `now` is the client's business time.
    init?(_ definition: CampaignDefinition, now: Timestamp) {
        switch definition.status {
        case .draft, .inReview: return nil
        case .active, .paused, .completed, .expired, .closed: break
        }
        campaignID = definition.campaignID
        revision = definition.revision
        pulse = definition.pulse
        startsAt = definition.startsAt
        endsAt = definition.endsAt
        isRunning =
            definition.status == .active && (startsAt.map { $0 <= now } ?? true)
            && (endsAt.map { now < $0 } ?? true)
        rewards = definition.rewardRules.map {
            Reward(recipient: $0.recipient, kind: $0.kind, amount: $0.amount)
        }
        destinationURL = definition.referral?.destinationURL
    }
}
