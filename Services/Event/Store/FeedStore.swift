import Kernel
import PostgresKit

/// A segment as it is stored.
struct StoredSegment: Sendable, RowDecodable {
    let firstPosition: Int
    let lastPosition: Int
    let header: SegmentHeader
    let body: [UInt8]

    init(_ draft: SegmentDraft) {
        firstPosition = draft.firstPosition
        lastPosition = draft.lastPosition
        header = draft.header
        body = draft.body
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

    /// The last taken position of every shard, in their order.
    func heads() async throws(PostgresError) -> [Int] {
        var heads: [Int] = []
        for row in try await postgres.query("select head from log_shard order by shard") {
            heads.append(try row.get("head"))
        }
        return heads
    }

    /// Segments that reach beyond `position`, oldest first, and the shard's head at that moment.
    func segments(
        of shard: Int, after position: Int, limit: Int
    ) async throws(PostgresError) -> (segments: [StoredSegment], head: Int) {
        let rows = try await postgres.query(
            """
            select log_shard.head, segment.* from log_shard left join lateral (
                select first_position, last_position, header, body from log_segment
                where log_segment.shard = log_shard.shard and last_position > \(position)
                order by last_position limit \(limit)) segment on true
            where log_shard.shard = \(shard) order by segment.last_position
            """)
        guard let first = rows.first else { return ([], position) }
        var segments: [StoredSegment] = []
        for row in rows where try row.get("first_position", as: Int?.self) != nil {
            segments.append(try StoredSegment(row: row))
        }
        return (segments, try first.get("head"))
    }

    /// Remembers how far subscribers have told that they are. Never moves back.
    ///
    /// Without waiting for the disk: what is lost with the server is told again.
    func acknowledge(_ told: [Acknowledgement], at now: Timestamp) async throws(PostgresError) {
        _ = try await postgres.execute(
            """
            insert into log_subscriber (subscriber, shard, acknowledged, updated_at)
            select subscriber, shard, acknowledged, \(now)::timestamptz
            from (select set_config('synchronous_commit', 'off', true)) setting,
                unnest(\(told.map(\.subscriber))::text[], \(told.map(\.shard))::bigint[],
                    \(told.map(\.position))::bigint[]) as told (subscriber, shard, acknowledged)
            order by subscriber, shard
            on conflict (subscriber, shard) do update
            set acknowledged = excluded.acknowledged, updated_at = excluded.updated_at
            where log_subscriber.acknowledged < excluded.acknowledged
            """)
    }
}

/// What a subscriber has told: everything up to a position of a shard took effect.
struct Acknowledgement: Sendable, Hashable {
    let subscriber: String
    let shard: Int
    let position: Int
}
