package import Contracts
package import Kernel

/// What every caller who belongs to a client has in common.
package protocol ClientPrincipal: Sendable {
    /// The tenant. Every store function takes it.
    var clientID: ClientID { get }
    /// The client itself or its sandbox twin.
    var mode: ClientMode { get }
    /// How far ahead the client's business clock runs; zero except in test mode.
    var businessClockOffset: Duration { get }
}

extension ClientPrincipal {
    package var isLive: Bool { mode == .live }

    /// The clock for campaign windows, holds, expiry and timers of this client.
    package func businessClock(_ world: World) -> BusinessClock {
        BusinessClock(base: world.clock, offset: businessClockOffset)
    }
}

/// A caller of `/v1/portal`: a member of the client, or the client's server.
package struct PortalPrincipal: ClientPrincipal {
    /// Who acts, for permissions and the audit log.
    package enum Actor: Sendable, Hashable {
        /// The client's server with a secret key.
        case key(APIKeyID)
        /// A person with a member token.
        case member(MemberID, role: String)

        /// The id as text (`key_…`, `mem_…`).
        package var text: String {
            switch self {
            case .key(let id): id.description
            case .member(let id, _): id.description
            }
        }
    }

    package let clientID: ClientID
    package let actor: Actor
    /// What the credential may do; empty means everything that its kind may.
    package let scopes: Set<String>
    package let mode: ClientMode
    package let businessClockOffset: Duration

    /// Throws 403 `scope_missing` unless the credential has the scope or none at all.
    package func require(_ scope: String) throws(Problem) {
        guard scopes.isEmpty || scopes.contains(scope) else {
            throw .forbidden("scope_missing", "This credential lacks the scope '\(scope)'.")
        }
    }
}

/// A caller of `/v1/sdk`: the client's website, app or server.
package struct SDKPrincipal: ClientPrincipal {
    package let clientID: ClientID
    package let keyID: APIKeyID
    package let kind: APIKeyKind
    /// `browser` for a publishable key, `server` for a secret one.
    package let trust: Trust
    package let scopes: Set<String>
    package let mode: ClientMode
    package let businessClockOffset: Duration

    /// Throws 403 `secret_key_required` for a publishable key.
    package func requireSecret() throws(Problem) {
        guard kind == .secret else {
            throw .forbidden(
                "secret_key_required", "Call this from your server with a secret key.")
        }
    }
}

/// A caller of `/v1/me`: one end user of a client.
package struct ParticipantPrincipal: ClientPrincipal {
    package let clientID: ClientID
    package let participantID: ParticipantID
    package let mode: ClientMode
    package let businessClockOffset: Duration
}

/// A caller of `/v1/admin`: platform staff.
package struct StaffPrincipal: Sendable, Hashable {
    /// The token's `sub`, for the audit log.
    package let subject: String
    /// The token's `roles`.
    package let roles: Set<String>
}

/// A caller of `/internal`: another service.
package struct ServicePrincipal: Sendable, Hashable {
    package let service: ServiceName
}
