package import Kernel

package struct LookUpParticipantRequest: Sendable, Codable {
    package let clientID: ClientID
    package let participantID: ParticipantID

    package init(clientID: ClientID, participantID: ParticipantID) {
        self.clientID = clientID
        self.participantID = participantID
    }

    private enum CodingKeys: String, CodingKey {
        case clientID = "client_id"
        case participantID = "participant_id"
    }
}

package struct LookUpParticipantResponse: Sendable, Codable {
    /// Nil when no event has told of this participant up to the position asked for.
    package let participant: ParticipantProfile?

    package init(participant: ParticipantProfile?) { self.participant = participant }
}

package struct LookUpParticipantsRequest: Sendable, Codable {
    /// The most participants of one request.
    package static let maximumParticipants = 100

    package let clientID: ClientID
    /// One to `maximumParticipants`.
    package let participantIDs: [ParticipantID]

    package init(clientID: ClientID, participantIDs: [ParticipantID]) {
        self.clientID = clientID
        self.participantIDs = participantIDs
    }

    private enum CodingKeys: String, CodingKey {
        case clientID = "client_id"
        case participantIDs = "participant_ids"
    }
}

package struct LookUpParticipantsResponse: Sendable, Codable {
    /// Those that events have told of up to the position asked for, in no particular order.
    package let participants: [ParticipantProfile]

    package init(participants: [ParticipantProfile]) { self.participants = participants }
}

/// An end user of a client, as built from events.
package struct ParticipantProfile: Sendable, Codable, Hashable {
    package let participantID: ParticipantID
    package let clientID: ClientID
    /// The client's own id of the person.
    package let externalID: String
    /// All traits, newest value each, whoever told them. For display and content.
    package let traits: JSONValue
    /// Only traits told with `signed_user` trust or more. What money may depend on.
    package let trustedTraits: JSONValue
    package let firstSeenAt: Timestamp
    /// Kept to the minute: the newest event may be up to 60 seconds younger.
    package let lastSeenAt: Timestamp
    /// When `user_signed_up` was first told; nil when it never was.
    package let signedUpAt: Timestamp?

    package init(
        participantID: ParticipantID, clientID: ClientID, externalID: String, traits: JSONValue,
        trustedTraits: JSONValue, firstSeenAt: Timestamp, lastSeenAt: Timestamp,
        signedUpAt: Timestamp?
    ) {
        self.participantID = participantID
        self.clientID = clientID
        self.externalID = externalID
        self.traits = traits
        self.trustedTraits = trustedTraits
        self.firstSeenAt = firstSeenAt
        self.lastSeenAt = lastSeenAt
        self.signedUpAt = signedUpAt
    }

    private enum CodingKeys: String, CodingKey {
        case traits
        case participantID = "participant_id"
        case clientID = "client_id"
        case externalID = "external_id"
        case trustedTraits = "trusted_traits"
        case firstSeenAt = "first_seen_at"
        case lastSeenAt = "last_seen_at"
        case signedUpAt = "signed_up_at"
    }
}
