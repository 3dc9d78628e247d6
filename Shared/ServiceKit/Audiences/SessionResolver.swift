package import Contracts
package import HTTPKit
package import Kernel

/// Finds out whether a member's session still counts.
///
/// Client-service looks into its own tables; the others ask it and remember.
package protocol SessionResolver: Sendable {
    /// The session; nil when there is none, it ended or its member was removed. A suspended
    /// client's session is found: the status says so.
    ///
    /// Throws when it cannot be known now.
    func resolve(_ session: SessionID) async throws -> ResolvedSession?
}

/// Asks client-service. Wrap it in a `CachedSessionResolver`.
package struct PeerSessionResolver: SessionResolver {
    private let clientService: PeerClient

    package init(clientService: PeerClient) {
        self.clientService = clientService
    }

    /// Two attempts within two seconds: a request waits for this.
    package func resolve(_ session: SessionID) async throws -> ResolvedSession? {
        var options = CallOptions()
        options.deadline = .seconds(2)
        options.attempts = 2
        return try await clientService.call(
            MemberContracts.resolveSession, ResolveSessionRequest(sessionID: session), options
        ).session
    }
}

/// Remembers what another resolver said of sessions, within the same bounds as for keys.
package final class CachedSessionResolver: SessionResolver {
    private let cache: StandingCache<SessionID, ResolvedSession>

    /// - Parameter uptime: a clock that never jumps.
    package init(
        upstream: any SessionResolver, telemetry: Telemetry,
        uptime: @escaping @Sendable () -> Duration = Uptime.now
    ) {
        let staleUses = telemetry.metrics.counter(
            "grapevine_session_cache_stale_uses_total",
            help: "Requests let in by a remembered session while client-service was away.")
        cache = StandingCache(
            "sessions", telemetry: telemetry, staleUses: staleUses, uptime: uptime,
            upstream: { try await upstream.resolve($0) })
    }

    /// Tells how old the last good contact with the log is; until then it counts as none.
    package func watch(contactAge: @escaping @Sendable () -> Duration?) {
        cache.watch(contactAge: contactAge)
    }

    /// From memory or from upstream. Throws 503 `sessions_unavailable` when it cannot be known now.
    package func resolve(_ session: SessionID) async throws -> ResolvedSession? {
        try await cache.resolve(
            session,
            unavailable: .unavailable(
                "sessions_unavailable",
                "The member token cannot be checked right now. Try again shortly."))
    }

    /// Forgets what these events make doubtful.
    package func invalidate(_ events: [LogEvent]) {
        let types = ClientMessage.all.subtracting([
            ClientMessage.keyCreated, ClientMessage.keyRevoked,
        ])
        for event in events where types.contains(event.type) {
            cache.forget { $0.clientID == event.clientID }
        }
    }

    /// Forgets everything, when events may have been missed.
    package func invalidateAll() { cache.forgetAll() }
}
