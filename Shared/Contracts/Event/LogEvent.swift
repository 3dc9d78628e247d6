package import HTTPKit
package import Kernel

/// What subscribers read from the log: one JSON object per event, as event-service stores it.
///
/// Clients' events and services' messages have the same envelope. Unknown members are ignored by
/// readers, so members may be added; none changes its meaning.
package struct LogEvent: Sendable, Hashable {
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
    package let content: LogContent
    /// The W3C trace of the request or run that caused it.
    package let traceparent: String?
    /// Where it came from, for clients' events: page, campaign parameters and all else that the
    /// sender told; under `enriched` what event-service found out itself (device, country, bot).
    package let origin: LogContent?
    /// The event as a page of the log writes it, position included; nil for one from elsewhere.
    package let written: ArraySlice<UInt8>?

    /// `content` as a value.
    package var properties: JSONValue { content.value }
    /// `origin` as a value.
    package var context: JSONValue? { origin?.value }

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
        content = .value(properties)
        self.traceparent = traceparent
        origin = context.map { .value($0) }
        written = nil
    }

    /// Reads an event of a page. Nil when a member that every event has is missing, or one is not
    /// what it must be.
    package init?(_ slice: JSONSlice) {
        // In the order in which event-service writes them.
        var members = EventMembers(slice)
        guard let position = members.take("position")?.utf8.flatMap({ LogPosition(utf8: $0) }),
            let eventID = members.take("event_id")?.string,
            let type = members.take("type")?.string,
            let clientID = members.take("client_id")?.utf8.flatMap({ ClientID(utf8: $0) })
        else { return nil }
        campaignID = members.take("campaign_id") { $0.utf8.flatMap { CampaignID(utf8: $0) } }
        participant = members.take("participant") { LogParticipant($0) }
        guard let occurredAt = members.take("occurred_at")?.utf8.flatMap({ Timestamp(utf8: $0) }),
            let receivedAt = members.take("received_at")?.utf8.flatMap({ Timestamp(utf8: $0) }),
            let trust = members.take("trust")?.string.flatMap({ Trust(rawValue: $0) })
        else { return nil }
        subject = members.take("subject") { $0.string }
        traceparent = members.take("traceparent") { $0.string }
        guard let content = members.take("properties"), members.areRight else { return nil }
        self.position = position
        self.eventID = eventID
        self.type = type
        self.clientID = clientID
        self.occurredAt = occurredAt
        self.receivedAt = receivedAt
        self.trust = trust
        self.content = .slice(content)
        origin = members.take("context") { .slice($0) }
        written = slice.bytes
    }

    /// Where it was read from makes no difference.
    package static func == (left: Self, right: Self) -> Bool {
        left.position == right.position && left.eventID == right.eventID
            && left.type == right.type && left.clientID == right.clientID
            && left.campaignID == right.campaignID && left.participant == right.participant
            && left.occurredAt == right.occurredAt && left.receivedAt == right.receivedAt
            && left.trust == right.trust && left.subject == right.subject
            && left.content == right.content && left.traceparent == right.traceparent
            && left.origin == right.origin
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(position)
        hasher.combine(eventID)
        hasher.combine(clientID)
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
package struct LogParticipant: Sendable, Hashable {
    /// Derived from (client, external id); nil for a visitor who is only known by an anonymous id.
    package let participantID: ParticipantID?
    /// The client's own id of the person.
    package let externalID: String?
    /// The browser's or device's id from before the person was known. Owns no reward.
    package let anonymousID: String?
    /// Traits that came with the event, an object; they count as far as the event's trust goes.
    package let told: LogContent?

    /// `told` as values.
    package var traits: [String: JSONValue]? { told?.value.object }

    package init(
        participantID: ParticipantID?, externalID: String? = nil, anonymousID: String? = nil,
        traits: [String: JSONValue]? = nil
    ) {
        self.participantID = participantID
        self.externalID = externalID
        self.anonymousID = anonymousID
        told = traits.map { .value(.object($0)) }
    }

    /// Reads the participant of an event. Nil when a member is not what it must be.
    init?(_ slice: JSONSlice) {
        guard slice.kind == .object else { return nil }
        var members = EventMembers(slice)
        participantID = members.take("participant_id") {
            $0.utf8.flatMap { ParticipantID(utf8: $0) }
        }
        externalID = members.take("external_id") { $0.string }
        anonymousID = members.take("anonymous_id") { $0.string }
        told = members.take("traits") { $0.kind == .object ? .slice($0) : nil }
        guard members.areRight else { return nil }
    }
}
