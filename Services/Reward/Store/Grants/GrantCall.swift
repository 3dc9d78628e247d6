import Contracts
import Kernel

/// What one caller asks for at once: rewards of one client, campaign and revision, the first claim
/// on what is left first.
struct GrantCall: Sendable {
    /// At least one.
    let grants: [Grant]
    let limits: CampaignLimits

    var campaign: CampaignKey { grants[0].campaign }
}

/// A campaign of a client.
struct CampaignKey: Sendable, Hashable, Comparable {
    let clientID: ClientID
    let campaignID: CampaignID

    static func < (left: Self, right: Self) -> Bool {
        (left.clientID, left.campaignID) < (right.clientID, right.campaignID)
    }
}
