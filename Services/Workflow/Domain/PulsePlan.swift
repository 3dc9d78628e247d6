import Contracts

/// What the run's revision of the campaign promises; recorded by the run's first step.
struct PulsePlan: Sendable, Codable, Hashable {
    let campaignName: String
    let rules: [RewardRule]
    /// Nil when the campaign attributes nothing.
    let referral: ReferralPolicy?
    let notifications: [CampaignNotification]

    init(_ campaign: CampaignDefinition) {
        campaignName = campaign.name
        rules = campaign.rewardRules
        referral = campaign.referral
        notifications = Self.each(campaign.notifications ?? [])
    }

    /// As runs recorded it before there were referrals.
    init(rulesOnly rules: [RewardRule]) {
        campaignName = ""
        self.rules = rules
        referral = nil
        notifications = []
    }

    /// Whether anything is promised to this side.
    func concerns(_ recipient: RewardRecipient) -> Bool {
        rules.contains { $0.recipient == recipient }
            || notifications.contains { $0.recipient == recipient }
    }

    /// Each message once: a step is named after it.
    private static func each(_ notifications: [CampaignNotification]) -> [CampaignNotification] {
        var seen: Set<CampaignNotification> = []
        return notifications.filter { seen.insert($0).inserted }
    }
}
