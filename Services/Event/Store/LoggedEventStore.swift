import Contracts
import FoundationEssentials
import Kernel
import PostgresKit

/// Where a segment is and what is in it, without its bodies.
struct SegmentPlace: Sendable {
    let firstPosition: Int
    let lastPosition: Int
    let header: SegmentHeader
    let createdAt: Timestamp
}

/// A stored event's place in its segment.
struct EventPlace: Sendable {
    let segment: Int
    let position: Int
    let entry: SegmentHeader.Entry
    let committedAt: Timestamp
}

/// How far one subscriber of a shard is.
struct SubscriberState: Sendable {
    let name: String
    let acknowledged: Int
    let updatedAt: Timestamp
}

/// Looks single events up in the log, for people. Bodies are cut out of their segments by the
/// database: what is looked at is little of what is there.
struct LoggedEventStore: Sendable {
    let postgres: PostgresClient

    /// Segments with positions below `before`, the last first.
    func segments(
        of shard: Int, before: Int?, limit: Int
    ) async throws(PostgresError) -> [SegmentPlace] {
        var sql: SQL = """
            select first_position, last_position, header, created_at from log_segment
            where shard = \(shard)
            """
        if let before {
            sql += """
                 and last_position < \(before + SegmentHeader.maximumEvents)
                and first_position < \(before)
                """
        }
        return try await postgres.query(
            sql + " order by last_position desc limit \(limit)", as: SegmentPlace.self)
    }

    /// The segment that a position is in; nil when it is not there, or not any more.
    func segment(
        of shard: Int, at position: Int
    ) async throws(PostgresError) -> SegmentPlace? {
        try await postgres.queryOne(
            """
            select first_position, last_position, header, created_at from log_segment
            where shard = \(shard) and last_position >= \(position)
            and first_position <= \(position) order by last_position limit 1
            """, as: SegmentPlace.self)
    }

    /// The stored objects at these places, in their order; nil for what is gone meanwhile.
    func bodies(
        at places: [EventPlace], of shard: Int
    ) async throws(PostgresError) -> [[UInt8]?] {
        guard !places.isEmpty else { return [] }
        let rows = try await postgres.query(
            """
            select substring(segment.body from place.start for place.length) as event
            from unnest(
                \(places.map(\.segment))::bigint[],
                \(places.map { Int32($0.entry.offset + 1) })::integer[],
                \(places.map { Int32($0.entry.length) })::integer[]
            ) with ordinality as place (last_position, start, length, number)
            left join log_segment segment on segment.shard = \(shard)
                and segment.last_position = place.last_position
            order by place.number
            """)
        var bodies: [[UInt8]?] = []
        for row in rows { bodies.append(try row.get("event")) }
        return bodies
    }

    /// Positions of the events that have one of these identities; known for eight days.
    func positions(of identities: [UUID]) async throws(PostgresError) -> [Int] {
        let rows = try await postgres.query(
            """
            select distinct position from event_identity
            where identity = any(\(identities)::uuid[]) order by position desc
            """)
        var positions: [Int] = []
        for row in rows { positions.append(try row.get("position")) }
        return positions
    }

    /// How far each subscriber of a shard has told that it is.
    func subscribers(of shard: Int) async throws(PostgresError) -> [SubscriberState] {
        try await postgres.query(
            """
            select subscriber, acknowledged, updated_at from log_subscriber
            where shard = \(shard) order by subscriber limit 100
            """)
    }
}

extension SegmentPlace: RowDecodable {
    init(row: Row) throws(PostgresError) {
        guard let header = SegmentHeader(bytes: try row.get("header")) else {
            throw .unreadable("a segment's header")
        }
        self.init(
            firstPosition: try row.get("first_position"),
            lastPosition: try row.get("last_position"), header: header,
            createdAt: try row.get("created_at"))
    }
}

extension SubscriberState: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            name: try row.get("subscriber"), acknowledged: try row.get("acknowledged"),
            updatedAt: try row.get("updated_at"))
    }
}
