package import HTTPKit
package import Kernel

/// What campaign-service answers to the other services.
package enum CampaignContracts {
    /// One revision of a campaign; the latest activated one when none is named.
    package static let getCampaign = Endpoint<GetCampaignRequest, CampaignDefinition>(
        path: "/internal/campaigns/get", safety: .read)
}

/// The types of the messages that campaign-service publishes. Each carries the whole definition
/// (`CampaignDefinition`) as its data, with the status after the change.
package enum CampaignMessage {
    package static let activated = "campaign.activated"
    package static let paused = "campaign.paused"
    package static let resumed = "campaign.resumed"
    package static let updated = "campaign.updated"
    package static let closed = "campaign.closed"
    package static let completed = "campaign.completed"

    package static let all: Set<String> = [
        activated, paused, resumed, updated, closed, completed,
    ]
}

package struct GetCampaignRequest: Sendable, Codable {
    package let clientID: ClientID
    package let campaignID: CampaignID
    /// Nil for the revision in force.
    package let revision: Int?

    package init(clientID: ClientID, campaignID: CampaignID, revision: Int?) {
        self.clientID = clientID
        self.campaignID = campaignID
        self.revision = revision
    }

    private enum CodingKeys: String, CodingKey {
        case revision
        case clientID = "client_id"
        case campaignID = "campaign_id"
    }
}
