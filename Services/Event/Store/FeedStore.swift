import Kernel
import PostgresKit

/// A segment as it is stored.
struct StoredSegment: Sendable, RowDecodable {
    let firstPosition: Int
    let lastPosition: Int
    let header: SegmentHeader
    let body: [UInt8]

    init(firstPosition: Int, lastPosition: Int, header: SegmentHeader, body: [UInt8]) {
        self.firstPosition = firstPosition
        self.lastPosition = lastPosition
        self.header = header
        self.body = body
    }

    init(row: Row) throws(PostgresError) {
        firstPosition = try row.get("first_position")
        lastPosition = try row.get("last_position")
        body = try row.get("body")
        // Never passed over in silence: these events were acknowledged to their senders.
        guard let header = SegmentHeader(bytes: try row.get("header")) else {
            throw .unreadable("a segment's header")
        }
        self.header = header
    }
}

/// Reads the log and remembers how far each subscriber is.
struct FeedStore: Sendable {
    let postgres: PostgresClient

    /// The last taken position of every shard.
    func heads() async throws(PostgresError) -> [Int: Int] {
        var heads: [Int: Int] = [:]
        for row in try await postgres.query("select shard, head from log_shard") {
            heads[try row.get("shard")] = try row.get("head")
        }
        return heads
    }

    /// Segments that reach beyond `position`, oldest first.
    func segments(
        of shard: Int, after position: Int, limit: Int
    ) async throws(PostgresError) -> [StoredSegment] {
        try await postgres.query(
            """
            select first_position, last_position, header, body from log_segment
            where shard = \(shard) and last_position > \(position)
            order by last_position limit \(limit)
            """, as: StoredSegment.self)
    }

    /// Remembers that a subscriber has passed `position`. Never moves back.
    func acknowledge(
        _ position: Int, of shard: Int, by subscriber: String, at now: Timestamp
    ) async throws(PostgresError) {
        _ = try await postgres.execute(
            """
            insert into log_subscriber (subscriber, shard, acknowledged, updated_at)
            values (\(subscriber), \(shard), \(position), \(now))
            on conflict (subscriber, shard) do update
            set acknowledged = excluded.acknowledged, updated_at = excluded.updated_at
            where log_subscriber.acknowledged < excluded.acknowledged
            """)
    }
}
