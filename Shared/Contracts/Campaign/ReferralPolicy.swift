import Kernel

/// How a campaign's referral links behave and how long a touch counts. First touch wins.
package struct ReferralPolicy: Sendable, Codable, Hashable {
    /// What counts when a campaign says nothing: 30 days.
    package static let defaultAttributionWindowSeconds = 30 * 86_400

    /// Where a referral link leads, an absolute `https` URL (`http` on loopback only). Nil when the
    /// campaign gives out no links and only judges conversions.
    package let destinationURL: String?
    /// Hosts beside the destination's own that a link may be asked to lead to
    /// (`shop.example`, exact).
    package let allowedHosts: [String]
    /// From the first touch to the sign-up or purchase that still counts, in seconds of the
    /// client's business clock.
    package let attributionWindowSeconds: Int

    package init(
        destinationURL: String?, allowedHosts: [String] = [],
        attributionWindowSeconds: Int = defaultAttributionWindowSeconds
    ) {
        self.destinationURL = destinationURL
        self.allowedHosts = allowedHosts
        self.attributionWindowSeconds = attributionWindowSeconds
    }

    private enum CodingKeys: String, CodingKey {
        case destinationURL = "destination_url"
        case allowedHosts = "allowed_hosts"
        case attributionWindowSeconds = "attribution_window_seconds"
    }
}

/// A message that a campaign's run writes when it ends well for the recipient.
package struct CampaignNotification: Sendable, Codable, Hashable {
    package let recipient: RewardRecipient
    package let channel: NotificationChannel
    /// The template's key with notification-service (`welcome`); its published version counts.
    package let template: String

    package init(recipient: RewardRecipient, channel: NotificationChannel, template: String) {
        self.recipient = recipient
        self.channel = channel
        self.template = template
    }

    private enum CodingKeys: String, CodingKey { case recipient, channel, template }
}
