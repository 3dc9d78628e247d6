package import HTTPKit
package import Kernel

/// Members of a client: how they show who they are, and how services check it.
package enum MemberContracts {
    /// Whether a member's session still counts, and for whom.
    package static let resolveSession = Endpoint<ResolveSessionRequest, ResolveSessionResponse>(
        path: "/internal/sessions/resolve", safety: .read)

    /// Where the public keys of member tokens are, for anyone.
    package static let keySetPath = "/.well-known/jwks.json"
}

/// What a member may do.
package enum MemberRole: String, Sendable, Codable, CaseIterable {
    /// Everything that the client may.
    case owner
}

/// Asks whether a session still counts.
package struct ResolveSessionRequest: Sendable, Codable {
    package let sessionID: SessionID

    package init(sessionID: SessionID) { self.sessionID = sessionID }

    private enum CodingKeys: String, CodingKey { case sessionID = "session_id" }
}

/// The answer to `ResolveSessionRequest`.
package struct ResolveSessionResponse: Sendable, Codable {
    /// Nil when there is no such session, it ended, or its member was removed.
    package let session: ResolvedSession?

    package init(session: ResolvedSession?) { self.session = session }
}

/// A session with all that a service must know of its member and client.
package struct ResolvedSession: Sendable, Codable, Hashable {
    package let sessionID: SessionID
    package let memberID: MemberID
    package let clientID: ClientID
    package let role: MemberRole
    package let mode: ClientMode
    package let clientStatus: ClientStatus
    /// How far ahead the client's business clock runs; zero except in test mode.
    package let businessClockOffsetMilliseconds: Int64

    package init(
        sessionID: SessionID, memberID: MemberID, clientID: ClientID, role: MemberRole,
        mode: ClientMode, clientStatus: ClientStatus, businessClockOffsetMilliseconds: Int64
    ) {
        self.sessionID = sessionID
        self.memberID = memberID
        self.clientID = clientID
        self.role = role
        self.mode = mode
        self.clientStatus = clientStatus
        self.businessClockOffsetMilliseconds = businessClockOffsetMilliseconds
    }

    private enum CodingKeys: String, CodingKey {
        case role, mode
        case sessionID = "session_id"
        case memberID = "member_id"
        case clientID = "client_id"
        case clientStatus = "client_status"
        case businessClockOffsetMilliseconds = "business_clock_offset_milliseconds"
    }
}

/// The data of `session.ended` and `member.removed`.
package struct MemberChange: Sendable, Codable {
    package let memberID: MemberID

    package init(memberID: MemberID) { self.memberID = memberID }

    private enum CodingKeys: String, CodingKey { case memberID = "member_id" }
}

/// A JSON Web Key Set with Ed25519 keys (RFC 7517, RFC 8037).
package struct JSONWebKeySet: Sendable, Codable, Hashable {
    /// One public key.
    package struct Key: Sendable, Codable, Hashable {
        package let kty: String
        package let crv: String
        package let alg: String
        package let use: String
        package let kid: String
        /// The 32 bytes of the key in base64url.
        package let x: String

        /// An Ed25519 key for EdDSA signatures.
        package init(kid: String, x: String) {
            kty = "OKP"
            crv = "Ed25519"
            alg = "EdDSA"
            use = "sig"
            self.kid = kid
            self.x = x
        }
    }

    package let keys: [Key]

    package init(keys: [Key]) { self.keys = keys }
}
