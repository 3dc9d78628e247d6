package import HTTPKit
package import Kernel

/// What analytics-service answers to the other services.
package enum AnalyticsContracts {
    /// Whether an event of the log is in the archive.
    package static let archivedEvent = Endpoint<ArchivedEventRequest, ArchivedEventResponse>(
        path: "/internal/archive/event", safety: .read)
}

/// Enough of an event to find it in the archive without a search.
package struct ArchivedEventRequest: Sendable, Codable {
    package let clientID: ClientID
    package let campaignID: CampaignID?
    package let type: String
    package let occurredAt: Timestamp
    package let position: LogPosition

    package init(
        clientID: ClientID, campaignID: CampaignID?, type: String, occurredAt: Timestamp,
        position: LogPosition
    ) {
        self.clientID = clientID
        self.campaignID = campaignID
        self.type = type
        self.occurredAt = occurredAt
        self.position = position
    }

    private enum CodingKeys: String, CodingKey {
        case type, position
        case clientID = "client_id"
        case campaignID = "campaign_id"
        case occurredAt = "occurred_at"
    }
}

/// Whether the event is there.
package struct ArchivedEventResponse: Sendable, Codable {
    package let isStored: Bool

    package init(isStored: Bool) {
        self.isStored = isStored
    }

    private enum CodingKeys: String, CodingKey {
        case isStored = "is_stored"
    }
}
