package import Kernel

/// What subscribers read from the log: one JSON object per event, as event-service stores it.
///
/// Clients' events and services' messages have the same envelope. Unknown members are ignored by
/// readers, so members may be added; none changes its meaning.
package struct LogEvent: Sendable, Hashable, Codable {
    /// Where it stands (`"3:1042"`). Event-service adds it when it serves the stored object.
    package let position: LogPosition
    /// The sender's id of the event, unique within the client, 1 to 100 characters.
    package let eventID: String
    /// What happened (`signup`, `campaign.activated`); see `EventType`.
    package let type: String
    /// The tenant.
    package let clientID: ClientID
    /// The campaign it is about, when the sender said so.
    package let campaignID: CampaignID?
    /// Whose doing it was; nil for services' messages and events without a person.
    package let participant: LogParticipant?
    /// When it happened, as the sender says, never after `receivedAt` by more than the tolerated
    /// skew.
    package let occurredAt: Timestamp
    /// When event-service took it, by the system clock.
    package let receivedAt: Timestamp
    /// How far it can be believed.
    package let trust: Trust
    /// What was achieved (an order id, a review id, a reward id): grants and runs are one per
    /// subject.
    package let subject: String?
    /// The event's own content, an object. For a service's message, its `data`.
    package let properties: JSONValue
    /// The W3C trace of the request or run that caused it.
    package let traceparent: String?
    /// Where it came from, for clients' events: page, campaign parameters and all else that the
    /// sender told; under `enriched` what event-service found out itself (device, country, bot).
    package let context: JSONValue?

    private enum CodingKeys: String, CodingKey {
        case position, type, participant, trust, subject, properties, traceparent, context
        case eventID = "event_id"
        case clientID = "client_id"
        case campaignID = "campaign_id"
        case occurredAt = "occurred_at"
        case receivedAt = "received_at"
    }

    package init(
        position: LogPosition, eventID: String, type: String, clientID: ClientID,
        campaignID: CampaignID? = nil, participant: LogParticipant? = nil, occurredAt: Timestamp,
        receivedAt: Timestamp, trust: Trust, subject: String? = nil, properties: JSONValue,
        traceparent: String? = nil, context: JSONValue? = nil
    ) {
        self.position = position
        self.eventID = eventID
        self.type = type
        self.clientID = clientID
        self.campaignID = campaignID
        self.participant = participant
        self.occurredAt = occurredAt
        self.receivedAt = receivedAt
        self.trust = trust
        self.subject = subject
        self.properties = properties
        self.traceparent = traceparent
        self.context = context
    }

    /// The envelope of a service's message: trust is `internal`, `properties` are its data.
    package init(_ message: LogMessage, position: LogPosition, receivedAt: Timestamp) {
        self.init(
            position: position, eventID: message.id, type: message.type,
            clientID: message.clientID, campaignID: message.campaignID,
            occurredAt: message.occurredAt, receivedAt: receivedAt, trust: .internal,
            subject: message.subject, properties: message.data, traceparent: message.traceparent)
    }
}

/// The person behind an event, as far as known when it was taken.
package struct LogParticipant: Sendable, Hashable, Codable {
    /// Derived from (client, external id); nil for a visitor who is only known by an anonymous id.
    package let participantID: ParticipantID?
    /// The client's own id of the person.
    package let externalID: String?
    /// The browser's or device's id from before the person was known. Owns no reward.
    package let anonymousID: String?
    /// Traits that came with the event; they count as far as the event's trust goes.
    package let traits: [String: JSONValue]?

    private enum CodingKeys: String, CodingKey {
        case traits
        case participantID = "participant_id"
        case externalID = "external_id"
        case anonymousID = "anonymous_id"
    }

    package init(
        participantID: ParticipantID?, externalID: String? = nil, anonymousID: String? = nil,
        traits: [String: JSONValue]? = nil
    ) {
        self.participantID = participantID
        self.externalID = externalID
        self.anonymousID = anonymousID
        self.traits = traits
    }
}
