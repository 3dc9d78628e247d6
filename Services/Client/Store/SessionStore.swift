import Contracts
import Kernel
import PostgresKit

/// A refresh token's row with all that decides whether it still counts.
struct StoredRefresh: Sendable {
    let sessionID: SessionID
    let member: Member
    let client: Client
    let tokenExpiresAt: Timestamp
    let sessionExpiresAt: Timestamp
    let usedAt: Timestamp?
    let endedAt: Timestamp?
}

/// The tables of sessions and their refresh tokens. Hold hashes, never a token.
struct SessionStore: Sendable {
    /// How many sessions one statement deletes.
    static let purgeBatch = 200

    let postgres: PostgresClient

    /// What every service must know of a session that still counts; nil when it does not.
    func resolve(
        _ session: SessionID, at now: Timestamp
    ) async throws(PostgresError) -> ResolvedSession? {
        try await postgres.queryOne(
            """
            select s.session_id, s.member_id, s.client_id, m.role, c.mode, c.status,
                c.business_clock_offset_milliseconds
            from member_session s
            join member m on m.client_id = s.client_id and m.member_id = s.member_id
            join client c on c.client_id = s.client_id
            where s.session_id = \(session) and s.ended_at is null and s.expires_at > \(now)
            and m.removed_at is null
            """, as: ResolvedSessionRow.self)?.session
    }

    /// Begins a session and ends the member's oldest when there are too many.
    func begin(
        _ session: MemberSession, in transaction: Transaction
    ) async throws(PostgresError) {
        try await transaction.execute(
            """
            insert into member_session (
                client_id, session_id, member_id, created_at, expires_at)
            values (
                \(session.clientID), \(session.sessionID), \(session.memberID),
                \(session.createdAt), \(session.expiresAt))
            """)
        try await transaction.execute(
            """
            update member_session
            set ended_at = \(session.createdAt), end_reason = \(MemberSession.EndReason.superseded)
            where client_id = \(session.clientID) and session_id = any(array(
                select session_id from member_session
                where client_id = \(session.clientID) and member_id = \(session.memberID)
                and ended_at is null
                order by created_at desc, session_id desc offset \(SessionPolicy.maximumOpen)))
            """)
    }

    /// Adds a token to a session that counts.
    func issue(
        _ token: RefreshToken, session: SessionID, client: ClientID, at now: Timestamp,
        until expiresAt: Timestamp, in transaction: Transaction
    ) async throws(PostgresError) {
        try await transaction.execute(
            """
            insert into refresh_token (token_hash, client_id, session_id, issued_at, expires_at)
            values (\(token.hash), \(client), \(session), \(now), \(expiresAt))
            """)
    }

    /// Reads a token and keeps others from using it, or another of its session, until the end of
    /// the transaction.
    func lock(
        _ token: RefreshToken, in transaction: Transaction
    ) async throws(PostgresError) -> StoredRefresh? {
        // The session first: two tokens of one session wait for each other there.
        let found = try await transaction.queryOne(
            """
            select s.session_id from refresh_token t join member_session s
            on s.client_id = t.client_id and s.session_id = t.session_id
            where t.token_hash = \(token.hash) for no key update of s
            """)
        guard found != nil else { return nil }
        return try await transaction.queryOne(
            """
            select t.session_id, t.expires_at as token_expires_at, t.used_at,
                s.expires_at as session_expires_at, s.ended_at,
                m.client_id, m.member_id, m.email, m.name, m.role, m.created_by, m.created_at,
                m.removed_at, c.name as client_name, c.mode, c.status,
                c.business_clock_offset_milliseconds, c.version,
                c.created_at as client_created_at, c.updated_at
            from refresh_token t
            join member_session s on s.client_id = t.client_id and s.session_id = t.session_id
            join member m on m.client_id = s.client_id and m.member_id = s.member_id
            join client c on c.client_id = s.client_id
            where t.token_hash = \(token.hash)
            """, as: RefreshRow.self)?.refresh
    }

    func use(
        _ token: RefreshToken, at now: Timestamp, in transaction: Transaction
    ) async throws(PostgresError) {
        try await transaction.execute(
            "update refresh_token set used_at = \(now) where token_hash = \(token.hash)")
    }

    /// Ends a session. False when it had ended before.
    func end(
        _ session: SessionID, of client: ClientID, because reason: MemberSession.EndReason,
        at now: Timestamp, in transaction: Transaction
    ) async throws(PostgresError) -> Bool {
        let ended = try await transaction.execute(
            """
            update member_session set ended_at = \(now), end_reason = \(reason)
            where client_id = \(client) and session_id = \(session) and ended_at is null
            """)
        return ended == 1
    }

    /// Ends all sessions of a member.
    func endAll(
        of member: MemberID, client: ClientID, because reason: MemberSession.EndReason,
        at now: Timestamp, in transaction: Transaction
    ) async throws(PostgresError) {
        try await transaction.execute(
            """
            update member_session set ended_at = \(now), end_reason = \(reason)
            where client_id = \(client) and member_id = \(member) and ended_at is null
            """)
    }

    /// Deletes sessions that are over for long, with their tokens. Returns how many.
    func purge(before limit: Timestamp, atMost batch: Int) async throws(PostgresError) -> Int {
        try await postgres.execute(
            """
            delete from member_session where ctid = any(array(
                select ctid from member_session where expires_at < \(limit)
                order by expires_at limit \(batch)))
            """)
    }
}

private struct ResolvedSessionRow: RowDecodable {
    let session: ResolvedSession

    init(row: Row) throws(PostgresError) {
        session = ResolvedSession(
            sessionID: try row.get("session_id"), memberID: try row.get("member_id"),
            clientID: try row.get("client_id"), role: try row.get("role"),
            mode: try row.get("mode"), clientStatus: try row.get("status"),
            businessClockOffsetMilliseconds: try row.get("business_clock_offset_milliseconds"))
    }
}

private struct RefreshRow: RowDecodable {
    let refresh: StoredRefresh

    init(row: Row) throws(PostgresError) {
        let version: Int32 = try row.get("version")
        let member = try MemberRow(row: row).member
        refresh = StoredRefresh(
            sessionID: try row.get("session_id"), member: member,
            client: Client(
                clientID: member.clientID, name: try row.get("client_name"),
                mode: try row.get("mode"), status: try row.get("status"),
                businessClockOffsetMilliseconds: try row.get("business_clock_offset_milliseconds"),
                version: Int(version), createdAt: try row.get("client_created_at"),
                updatedAt: try row.get("updated_at")),
            tokenExpiresAt: try row.get("token_expires_at"),
            sessionExpiresAt: try row.get("session_expires_at"),
            usedAt: try row.get("used_at"), endedAt: try row.get("ended_at"))
    }
}
