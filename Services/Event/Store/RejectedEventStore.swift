import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit

/// How much is kept of rejected events.
struct RejectionLimits: Sendable, Hashable {
    var age = Duration.seconds(7 * 86_400)
    /// Of one client.
    var events = 10_000
    var bytes = 64 << 20
}

/// Rejected events. Every function for members takes the client.
struct RejectedEventStore: Sendable {
    let postgres: PostgresClient

    // MARK: - Keeping

    /// Writes down what was rejected, in one statement.
    ///
    /// Without waiting for the disk: the log's events are worth that, these are not.
    func insert(_ events: [RejectedEvent]) async throws {
        let headers = try events.map { event -> String? in
            guard !event.sent.headers.isEmpty else { return nil }
            return String(decoding: try JSONCoding.encode(event.sent.headers), as: UTF8.self)
        }
        try await postgres.execute(
            """
            insert into rejected_event (
                client_id, rejection_id, received_at, code, pointer, detail, event_id, type, front,
                key_id, source_id, trust, call, place, sent_at, shared, headers, body, sent_bytes)
            select client_id, rejection_id, received_at, code, pointer, detail, event_id, type,
                front, key_id, source_id, trust, call, place, sent_at, shared, headers::jsonb,
                body, sent_bytes
            from (select set_config('synchronous_commit', 'off', true)) setting, unnest(
                \(events.map(\.clientID))::uuid[], \(events.map(\.rejectionID))::uuid[],
                \(events.map(\.receivedAt))::timestamptz[], \(events.map(\.reason.code))::text[],
                \(events.map(\.reason.pointer))::text[], \(events.map(\.reason.detail))::text[],
                \(events.map(\.eventID))::text[], \(events.map(\.sent.type))::text[],
                \(events.map(\.door.front.rawValue))::text[],
                \(events.map(\.door.keyID))::uuid[], \(events.map(\.door.sourceID))::uuid[],
                \(events.map(\.trust.rawValue))::text[], \(events.map(\.sent.call))::text[],
                \(events.map { Int32($0.sent.place) })::integer[],
                \(events.map(\.sent.sentAt))::timestamptz[],
                \(events.map { $0.sent.shared.map { Array($0) } })::bytea[],
                \(headers)::text[], \(events.map { Array($0.sent.bytes) })::bytea[],
                \(events.map { Int32($0.sentBytes) })::integer[]
            ) as new (client_id, rejection_id, received_at, code, pointer, detail, event_id, type,
                front, key_id, source_id, trust, call, place, sent_at, shared, headers, body,
                sent_bytes)
            """)
    }

    /// Deletes up to `limit` that came before a time.
    func delete(before time: Timestamp, limit: Int) async throws(PostgresError) -> Int {
        try await postgres.execute(
            """
            delete from rejected_event where (client_id, rejection_id) in (
                select client_id, rejection_id from rejected_event
                where received_at < \(time) order by received_at limit \(limit))
            """)
    }

    /// Deletes a client's oldest beyond the limits. Returns how many.
    func trim(_ client: ClientID, to limits: RejectionLimits) async throws(PostgresError) -> Int {
        try await postgres.execute(
            """
            delete from rejected_event where client_id = \(client) and rejection_id <= (
                select rejection_id from (
                    select rejection_id, row_number() over newest as number,
                        sum(octet_length(body)) over newest as bytes
                    from rejected_event where client_id = \(client)
                    window newest as (
                        order by rejection_id desc
                        rows between unbounded preceding and current row)
                ) kept
                where number > \(limits.events) or bytes > \(limits.bytes)
                order by rejection_id desc limit 1)
            """)
    }

    /// Clients that have more than the limits, at most so many.
    func crowded(_ limits: RejectionLimits, limit: Int) async throws(PostgresError) -> [ClientID] {
        let rows = try await postgres.query(
            """
            select client_id from rejected_event group by client_id
            having count(*) > \(limits.events) or sum(octet_length(body)) > \(limits.bytes)
            limit \(limit)
            """)
        var clients: [ClientID] = []
        for row in rows { clients.append(try row.get("client_id")) }
        return clients
    }

    // MARK: - Reading

    /// Newest first, one more than `limit` when there are more. Bodies are left out.
    func list(
        of client: ClientID, _ filter: RejectionFilter, before: RejectionID?, limit: Int
    ) async throws(PostgresError) -> [RejectedEvent] {
        var sql: SQL = "\(Self.select(body: "''::bytea")) where client_id = \(client)"
        sql += Self.condition(filter)
        if let before { sql += " and rejection_id < \(before)" }
        return try await postgres.query(
            sql + " order by rejection_id desc limit \(limit + 1)", as: RejectedEvent.self)
    }

    /// The latest since a time, oldest first, without bodies.
    func latest(
        of client: ClientID, since time: Timestamp, limit: Int
    ) async throws(PostgresError) -> [RejectedEvent] {
        let first = RejectionID(UUID.version7(at: time, random: 0))
        let found: [RejectedEvent] = try await postgres.query(
            """
            \(Self.select(body: "''::bytea")) where client_id = \(client)
            and rejection_id >= \(first) order by rejection_id desc limit \(limit)
            """)
        return found.reversed()
    }

    func find(
        _ id: RejectionID, of client: ClientID
    ) async throws(PostgresError) -> RejectedEvent? {
        try await postgres.queryOne(
            "\(Self.select(body: "body")) where client_id = \(client) and rejection_id = \(id)",
            as: RejectedEvent.self)
    }

    /// How many there are for each reason, the commonest first.
    func reasons(
        of client: ClientID, _ filter: RejectionFilter, limit: Int
    ) async throws(PostgresError) -> [RejectionReason] {
        try await postgres.query(
            """
            select code, pointer, type, count(*) as count, max(received_at) as last_at
            from rejected_event where client_id = \(client)\(Self.condition(filter))
            group by code, pointer, type order by count(*) desc, code, pointer, type
            limit \(limit)
            """, as: RejectionReason.self)
    }

    static func condition(_ filter: RejectionFilter) -> SQL {
        var sql: SQL = ""
        if let code = filter.code { sql += " and code = \(code)" }
        if let type = filter.type { sql += " and type = \(type)" }
        if let front = filter.front { sql += " and front = \(front)" }
        if let key = filter.keyID { sql += " and key_id = \(key)" }
        if let source = filter.sourceID { sql += " and source_id = \(source)" }
        if let eventID = filter.eventID { sql += " and event_id = \(eventID)" }
        if let from = filter.from { sql += " and received_at >= \(from)" }
        if let to = filter.to { sql += " and received_at < \(to)" }
        if let text = filter.text {
            sql += " and position(\(Array(text.utf8))::bytea in body) > 0"
        }
        switch filter.state {
        case nil: break
        case .open: sql += " and coalesce(replay_status, '') not in ('accepted', 'duplicate')"
        case .replayed: sql += " and replay_status in ('accepted', 'duplicate')"
        }
        return sql
    }

    static func select(body: SQL) -> SQL {
        """
        select client_id, rejection_id, received_at, code, pointer, detail, event_id, type, front,
            key_id, source_id, trust, call, place, sent_at, shared, headers, \(body) as body,
            octet_length(body) as kept_bytes, sent_bytes, replay_id, replayed_at, replay_status,
            replay_code,
            replay_detail, replay_position
        from rejected_event
        """
    }
}
