import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit

extension RejectedEventStore {
    /// Takes rejected events for one replay, at most `limit`: those that are not in the log yet and
    /// whole; before all that were never tried, then those that were not for the longest time.
    /// What an earlier replay came to without success is forgotten.
    func claim(
        _ filter: RejectionFilter, of client: ClientID, for replay: UUID, limit: Int,
        in transaction: Transaction
    ) async throws(PostgresError) -> [RejectionID] {
        let rows = try await transaction.query(
            """
            with due as materialized (
                select rejection_id as id from rejected_event
                where client_id = \(client) and octet_length(body) = sent_bytes
                and coalesce(replay_status, '') not in ('accepted', 'duplicate')
                \(Self.condition(filter))
                order by replay_id nulls first, rejection_id limit \(limit) for update
            )
            update rejected_event set replay_id = \(replay), replayed_at = null,
                replay_status = null, replay_code = null, replay_detail = null,
                replay_position = null
            from due where client_id = \(client) and rejection_id = due.id
            returning rejection_id
            """)
        var ids: [RejectionID] = []
        for row in rows { ids.append(try row.get("rejection_id")) }
        return ids.sorted { $0.uuid < $1.uuid }
    }

    /// Takes one. What it was when it cannot be taken; nil when the client has none such.
    func claim(
        _ id: RejectionID, of client: ClientID, for replay: UUID, in transaction: Transaction
    ) async throws(PostgresError) -> RejectedEvent? {
        let found: RejectedEvent? = try await transaction.queryOne(
            """
            \(Self.select(body: "''::bytea"))
            where client_id = \(client) and rejection_id = \(id) for update
            """, as: RejectedEvent.self)
        guard let found, !found.isCut, found.replay?.status.isFinal != true else { return found }
        try await transaction.execute(
            """
            update rejected_event set replay_id = \(replay), replayed_at = null,
                replay_status = null, replay_code = null, replay_detail = null,
                replay_position = null
            where client_id = \(client) and rejection_id = \(id)
            """)
        return found
    }

    /// With bodies, oldest first.
    func find(
        _ ids: [RejectionID], of client: ClientID
    ) async throws(PostgresError) -> [RejectedEvent] {
        try await postgres.query(
            """
            \(Self.select(body: "body"))
            where client_id = \(client) and rejection_id = any(\(ids)::uuid[])
            order by rejection_id
            """, as: RejectedEvent.self)
    }

    /// Writes down what became of them. What is in the log already stays so.
    func finish(
        _ replays: [(id: RejectionID, replay: RejectedEvent.Replay)], of client: ClientID
    ) async throws(PostgresError) {
        try await postgres.execute(
            """
            update rejected_event event set replayed_at = item.replayed_at,
                replay_status = item.status, replay_code = item.code, replay_detail = item.detail,
                replay_position = item.position
            from unnest(
                \(replays.map(\.id))::uuid[], \(replays.map(\.replay.at))::timestamptz[],
                \(replays.map(\.replay.status.rawValue))::text[],
                \(replays.map(\.replay.code))::text[], \(replays.map(\.replay.detail))::text[],
                \(replays.map(\.replay.position))::bigint[]
            ) as item (rejection_id, replayed_at, status, code, detail, position)
            where event.client_id = \(client) and event.rejection_id = item.rejection_id
            and coalesce(event.replay_status, '') not in ('accepted', 'duplicate')
            """)
    }
}

extension RejectedEvent: RowDecodable {
    init(row: Row) throws(PostgresError) {
        let body: [UInt8] = try row.get("body")
        var sent = SentEvent(body[...], type: try row.get("type"))
        sent.call = try row.get("call")
        sent.place = Int(try row.get("place", as: Int32.self))
        sent.sentAt = try row.get("sent_at")
        let shared: [UInt8]? = try row.get("shared")
        sent.shared = shared.map { $0[...] }
        sent.headers = try row.get("headers", as: JSONB?.self)?.decode() ?? [:]
        self.init(
            rejectionID: try row.get("rejection_id"), clientID: try row.get("client_id"),
            receivedAt: try row.get("received_at"),
            reason: EventRejection(
                code: try row.get("code"), detail: try row.get("detail"),
                pointer: try row.get("pointer")),
            eventID: try row.get("event_id"),
            door: EventDoor(
                front: try row.get("front"), keyID: try row.get("key_id"),
                sourceID: try row.get("source_id")),
            trust: try row.get("trust"), sent: sent,
            sentBytes: Int(try row.get("sent_bytes", as: Int32.self)),
            keptBytes: Int(try row.get("kept_bytes", as: Int32.self)),
            replayID: try row.get("replay_id"), replay: try Replay(row: row))
    }
}

extension RejectedEvent.Replay {
    fileprivate init?(row: Row) throws(PostgresError) {
        guard let status = try row.get("replay_status", as: String?.self),
            let status = Status(rawValue: status),
            let at = try row.get("replayed_at", as: Timestamp?.self)
        else { return nil }
        self.init(
            status: status, at: at, code: try row.get("replay_code"),
            detail: try row.get("replay_detail"), position: try row.get("replay_position"))
    }
}

extension RejectionReason: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            code: try row.get("code"), pointer: try row.get("pointer"),
            type: try row.get("type"), count: try row.get("count"),
            lastAt: try row.get("last_at"))
    }
}
