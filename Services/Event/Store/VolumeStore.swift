import Contracts
import Kernel
import PostgresKit

/// How many events came in a stretch of time, of one type or by one door.
struct VolumeRow: Sendable {
    let key: String?
    let front: EventFront?
    let at: Timestamp?
    let counts: VolumeCounts
}

/// Counts of events by client, five minutes, type and door.
struct VolumeStore: Sendable {
    /// Rows of one table of a report.
    static let maximumRows = 200

    let postgres: PostgresClient

    /// Adds what was counted. In one order, so that two replicas do not wait for each other.
    func add(_ counts: [VolumeKey: VolumeCounts]) async throws(PostgresError) {
        let rows = Array(counts)
        try await postgres.execute(
            """
            insert into event_volume (
                client_id, began_at, type, front, source, accepted, duplicate, rejected)
            select client_id, began_at, type, front, source, accepted, duplicate, rejected
            from (select set_config('synchronous_commit', 'off', true)) setting, unnest(
                \(rows.map(\.key.clientID))::uuid[], \(rows.map(\.key.beganAt))::timestamptz[],
                \(rows.map(\.key.type))::text[], \(rows.map(\.key.door.front.rawValue))::text[],
                \(rows.map(\.key.door.source))::text[], \(rows.map(\.value.accepted))::bigint[],
                \(rows.map(\.value.duplicate))::bigint[], \(rows.map(\.value.rejected))::bigint[]
            ) as new (client_id, began_at, type, front, source, accepted, duplicate, rejected)
            order by client_id, began_at, type, front, source
            on conflict (client_id, began_at, type, front, source) do update
            set accepted = event_volume.accepted + excluded.accepted,
                duplicate = event_volume.duplicate + excluded.duplicate,
                rejected = event_volume.rejected + excluded.rejected
            """)
    }

    func delete(before time: Timestamp, limit: Int) async throws(PostgresError) -> Int {
        try await postgres.execute(
            """
            delete from event_volume where ctid = any(array(
                select ctid from event_volume where began_at < \(time) limit \(limit)))
            """)
    }

    /// By type, the commonest first.
    func byType(
        of client: ClientID, from: Timestamp
    ) async throws(PostgresError) -> [VolumeRow] {
        try await postgres.query(
            """
            select type as key, null::text as front, null::timestamptz as at, \(Self.sums)
            from event_volume where client_id = \(client) and began_at >= \(from)
            group by type order by sum(accepted + duplicate + rejected) desc, type
            limit \(Self.maximumRows)
            """)
    }

    /// By key or webhook source, the busiest first.
    func bySource(
        of client: ClientID, from: Timestamp
    ) async throws(PostgresError) -> [VolumeRow] {
        try await postgres.query(
            """
            select source as key, front, null::timestamptz as at, \(Self.sums)
            from event_volume where client_id = \(client) and began_at >= \(from)
            group by source, front
            order by sum(accepted + duplicate + rejected) desc, source, front
            limit \(Self.maximumRows)
            """)
    }

    /// By time, in steps of so many seconds; steps without events are left out.
    func byTime(
        of client: ClientID, from: Timestamp, stepSeconds: Int
    ) async throws(PostgresError) -> [VolumeRow] {
        try await postgres.query(
            """
            select null::text as key, null::text as front, to_timestamp(
                floor(extract(epoch from began_at) / \(stepSeconds)::bigint)
                    * \(stepSeconds)::bigint) as at, \(Self.sums)
            from event_volume where client_id = \(client) and began_at >= \(from)
            group by 3 order by 3
            """)
    }

    private static let sums: SQL = """
        sum(accepted)::bigint as accepted, sum(duplicate)::bigint as duplicate,
        sum(rejected)::bigint as rejected
        """
}

extension VolumeRow: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            key: try row.get("key"),
            front: try row.get("front", as: String?.self).flatMap { EventFront(rawValue: $0) },
            at: try row.get("at"),
            counts: VolumeCounts(
                accepted: try row.get("accepted"), duplicate: try row.get("duplicate"),
                rejected: try row.get("rejected")))
    }
}

extension EventDoor {
    /// The key or source as text; empty without one.
    var source: String { keyID?.description ?? sourceID?.description ?? "" }
}
