import Kernel

extension LogEvent: Codable {
    private enum CodingKeys: String, CodingKey {
        case position, type, participant, trust, subject, properties, traceparent, context
        case eventID = "event_id"
        case clientID = "client_id"
        case campaignID = "campaign_id"
        case occurredAt = "occurred_at"
        case receivedAt = "received_at"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            position: try container.decode(LogPosition.self, forKey: .position),
            eventID: try container.decode(String.self, forKey: .eventID),
            type: try container.decode(String.self, forKey: .type),
            clientID: try container.decode(ClientID.self, forKey: .clientID),
            campaignID: try container.decodeIfPresent(CampaignID.self, forKey: .campaignID),
            participant: try container.decodeIfPresent(LogParticipant.self, forKey: .participant),
            occurredAt: try container.decode(Timestamp.self, forKey: .occurredAt),
            receivedAt: try container.decode(Timestamp.self, forKey: .receivedAt),
            trust: try container.decode(Trust.self, forKey: .trust),
            subject: try container.decodeIfPresent(String.self, forKey: .subject),
            properties: try container.decode(JSONValue.self, forKey: .properties),
            traceparent: try container.decodeIfPresent(String.self, forKey: .traceparent),
            context: try container.decodeIfPresent(JSONValue.self, forKey: .context))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(position, forKey: .position)
        try container.encode(eventID, forKey: .eventID)
        try container.encode(type, forKey: .type)
        try container.encode(clientID, forKey: .clientID)
        try container.encodeIfPresent(campaignID, forKey: .campaignID)
        try container.encodeIfPresent(participant, forKey: .participant)
        try container.encode(occurredAt, forKey: .occurredAt)
        try container.encode(receivedAt, forKey: .receivedAt)
        try container.encode(trust, forKey: .trust)
        try container.encodeIfPresent(subject, forKey: .subject)
        try container.encode(properties, forKey: .properties)
        try container.encodeIfPresent(traceparent, forKey: .traceparent)
        try container.encodeIfPresent(context, forKey: .context)
    }
}

extension LogParticipant: Codable {
    private enum CodingKeys: String, CodingKey {
        case traits
        case participantID = "participant_id"
        case externalID = "external_id"
        case anonymousID = "anonymous_id"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            participantID: try container.decodeIfPresent(
                ParticipantID.self, forKey: .participantID),
            externalID: try container.decodeIfPresent(String.self, forKey: .externalID),
            anonymousID: try container.decodeIfPresent(String.self, forKey: .anonymousID),
            traits: try container.decodeIfPresent([String: JSONValue].self, forKey: .traits))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(participantID, forKey: .participantID)
        try container.encodeIfPresent(externalID, forKey: .externalID)
        try container.encodeIfPresent(anonymousID, forKey: .anonymousID)
        try container.encodeIfPresent(traits, forKey: .traits)
    }
}
