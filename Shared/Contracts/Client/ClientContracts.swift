package import HTTPKit
package import Kernel

/// What client-service answers to the other services.
package enum ClientContracts {
    /// Finds the key whose secret has this hash.
    package static let resolveKey = Endpoint<ResolveKeyRequest, ResolveKeyResponse>(
        path: "/internal/keys/resolve", safety: .read)

    /// Whether a client has a key in use.
    package static let findKey = Endpoint<FindKeyRequest, FindKeyResponse>(
        path: "/internal/keys/find", safety: .read)

    /// A participant's profile as it stands at the position that the call carries.
    package static let lookUpParticipant = Endpoint<
        LookUpParticipantRequest, LookUpParticipantResponse
    >(path: "/internal/participants/look-up", safety: .read)

    /// The same for several participants of one client.
    package static let lookUpParticipants = Endpoint<
        LookUpParticipantsRequest, LookUpParticipantsResponse
    >(path: "/internal/participants/look-up-several", safety: .read)
}

/// The types of the messages that client-service publishes.
package enum ClientMessage {
    package static let created = "client.created"
    package static let statusChanged = "client.status_changed"
    package static let settingsChanged = "client.settings_changed"
    package static let keyCreated = "key.created"
    package static let keyRevoked = "key.revoked"
    package static let memberRemoved = "member.removed"
    package static let sessionEnded = "session.ended"

    /// Every one of them makes a cached key or session doubtful.
    package static let all: Set<String> = [
        created, statusChanged, settingsChanged, keyCreated, keyRevoked, memberRemoved,
        sessionEnded,
    ]
}

/// Whether a client may use the platform.
package enum ClientStatus: String, Sendable, Codable, CaseIterable {
    case active, suspended, closed
}

/// What a key may do: write from a browser, or act for the client's servers.
package enum APIKeyKind: String, Sendable, Codable, CaseIterable {
    case publishable, secret
}

/// Real data or the sandbox twin's.
package enum ClientMode: String, Sendable, Codable, CaseIterable {
    case live, test
}

package struct ResolveKeyRequest: Sendable, Codable {
    /// SHA-256 of the whole key text, 64 lower-case hexadecimal digits.
    package let keyHash: String

    package init(keyHash: String) { self.keyHash = keyHash }

    private enum CodingKeys: String, CodingKey { case keyHash = "key_hash" }
}

package struct ResolveKeyResponse: Sendable, Codable {
    /// Nil when there is no such key or it was revoked.
    package let key: ResolvedKey?

    package init(key: ResolvedKey?) { self.key = key }
}

package struct FindKeyRequest: Sendable, Codable {
    package let clientID: ClientID
    package let keyID: APIKeyID

    package init(clientID: ClientID, keyID: APIKeyID) {
        self.clientID = clientID
        self.keyID = keyID
    }

    private enum CodingKeys: String, CodingKey {
        case clientID = "client_id"
        case keyID = "key_id"
    }
}

package struct FindKeyResponse: Sendable, Codable {
    /// False when the client has no such key, and when it was revoked.
    package let isInUse: Bool

    package init(isInUse: Bool) { self.isInUse = isInUse }

    private enum CodingKeys: String, CodingKey { case isInUse = "is_in_use" }
}

/// A key with all that a service must know of its client.
package struct ResolvedKey: Sendable, Codable, Hashable {
    package let keyID: APIKeyID
    package let clientID: ClientID
    package let kind: APIKeyKind
    package let mode: ClientMode
    /// What the key may do; empty means everything that its kind may.
    package let scopes: [String]
    /// Web origins that may use a publishable key (`https://shop.example`); empty means any.
    package let origins: [String]
    package let clientStatus: ClientStatus
    /// How far ahead the client's business clock runs; zero except in test mode.
    package let businessClockOffsetMilliseconds: Int64

    package init(
        keyID: APIKeyID, clientID: ClientID, kind: APIKeyKind, mode: ClientMode, scopes: [String],
        origins: [String], clientStatus: ClientStatus, businessClockOffsetMilliseconds: Int64
    ) {
        self.keyID = keyID
        self.clientID = clientID
        self.kind = kind
        self.mode = mode
        self.scopes = scopes
        self.origins = origins
        self.clientStatus = clientStatus
        self.businessClockOffsetMilliseconds = businessClockOffsetMilliseconds
    }

    private enum CodingKeys: String, CodingKey {
        case kind, mode, scopes, origins
        case keyID = "key_id"
        case clientID = "client_id"
        case clientStatus = "client_status"
        case businessClockOffsetMilliseconds = "business_clock_offset_milliseconds"
    }
}

/// The data of `key.created` and `key.revoked`.
package struct KeyChange: Sendable, Codable {
    package let keyID: APIKeyID
    /// As in `ResolveKeyRequest`, so that a cache knows its entry.
    package let keyHash: String

    package init(keyID: APIKeyID, keyHash: String) {
        self.keyID = keyID
        self.keyHash = keyHash
    }

    private enum CodingKeys: String, CodingKey {
        case keyID = "key_id"
        case keyHash = "key_hash"
    }
}

/// The data of `client.created`, `client.status_changed` and `client.settings_changed`.
package struct ClientChange: Sendable, Codable {
    package let status: ClientStatus
    package let mode: ClientMode
    package let businessClockOffsetMilliseconds: Int64

    package init(status: ClientStatus, mode: ClientMode, businessClockOffsetMilliseconds: Int64) {
        self.status = status
        self.mode = mode
        self.businessClockOffsetMilliseconds = businessClockOffsetMilliseconds
    }

    private enum CodingKeys: String, CodingKey {
        case status, mode
        case businessClockOffsetMilliseconds = "business_clock_offset_milliseconds"
    }
}
