import Contracts
import Kernel
import PostgresKit
import ServiceKit

/// Keeps sessions alive and ends them. Each refresh token counts once; one that comes back was
/// copied, so its whole session ends, whoever has the newest token.
struct SessionRefresh: Sendable {
    /// How long signing out waits for the log. Later the others learn within the bounds of a cached
    /// session, and a token lasts a quarter of an hour at most.
    private static let relayLimit: Duration = .seconds(2)

    let sessions: SessionStore
    let audit: AuditStore
    let changes: ClientChanges
    let context: ServiceContext

    private enum Outcome: Sendable {
        case refreshed(OpenedSession)
        case over
        /// With what the others are told.
        case reused(LogMessage?)
    }

    /// Throws 401 `session_ended`, 403 for a client that may not.
    func perform(_ token: RefreshToken) async throws -> OpenedSession {
        let now = context.world.clock.now()
        let next = RefreshToken.generate()
        let outcome = try await context.postgres.withTransaction { transaction -> Outcome in
            guard let found = try await sessions.lock(token, in: transaction),
                found.endedAt == nil, found.sessionExpiresAt > now, found.member.removedAt == nil
            else { return .over }
            guard found.usedAt == nil else {
                return .reused(
                    try await end(
                        found, because: .reused, actor: "session", at: now, in: transaction))
            }
            guard found.tokenExpiresAt > now else { return .over }
            try found.client.requireActive()
            let expiresAt = min(now + SessionPolicy.idleLifetime, found.sessionExpiresAt)
            try await sessions.use(token, at: now, in: transaction)
            try await sessions.issue(
                next, session: found.sessionID, client: found.client.clientID, at: now,
                until: expiresAt, in: transaction)
            return .refreshed(
                OpenedSession(
                    sessionID: found.sessionID, member: found.member, client: found.client,
                    refreshToken: next, refreshLifetime: expiresAt - now))
        }
        switch outcome {
        case .refreshed(let opened): return opened
        case .over: throw Sessions.noSession
        case .reused(let message):
            context.telemetry.logger.warning("a used refresh token came back; its session ended")
            await announce(message)
            throw Sessions.noSession
        }
    }

    /// Ends the token's session, whether the token was used or not: who has one may end it.
    func end(_ token: RefreshToken) async throws {
        let now = context.world.clock.now()
        let ended = try await context.postgres.withTransaction { transaction -> LogMessage? in
            guard let found = try await sessions.lock(token, in: transaction),
                found.endedAt == nil
            else { return nil }
            return try await end(
                found, because: .signedOut, actor: found.member.memberID.description, at: now,
                in: transaction)
        }
        await announce(ended)
    }

    private func end(
        _ found: StoredRefresh, because reason: MemberSession.EndReason, actor: String,
        at now: Timestamp, in transaction: Transaction
    ) async throws -> LogMessage? {
        let client = found.client.clientID
        guard
            try await sessions.end(
                found.sessionID, of: client, because: reason, at: now, in: transaction)
        else { return nil }
        let message = try ClientMessages.ended(
            found.sessionID, of: found.member, at: found.client.businessTime(at: now))
        try await changes.record(
            message,
            AuditEntry(
                clientID: client, actor: actor, action: .endSession,
                target: found.sessionID.description, detail: reason.rawValue, at: now),
            in: transaction)
        return message
    }

    private func announce(_ message: LogMessage?) async {
        guard let message else { return }
        await changes.announce(message, within: Self.relayLimit)
    }
}
