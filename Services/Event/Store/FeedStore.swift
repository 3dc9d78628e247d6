import Contracts
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
        try self.init(row: row, body: row.get("body"))
    }

    fileprivate init(row: Row, body: [UInt8]) throws(PostgresError) {
        firstPosition = try row.get("first_position")
        lastPosition = try row.get("last_position")
        self.body = body
        // Never passed over in silence: these events were acknowledged to their senders.
        guard let header = SegmentHeader(bytes: try row.get("header")) else {
            throw .unreadable("a segment's header")
        }
        self.header = header
    }

    /// How many events in it that come after a position are wanted.
    func count(of wanted: Wanted, after position: Int) -> Int {
        header.entries.dropFirst(max(0, position + 1 - firstPosition)).count {
            wanted.includes(type: $0.type, facets: $0.facets)
        }
    }
}

/// A part of a shard's log, as it was found.
struct LogStretch: Sendable {
    /// In the order of their positions.
    let segments: [StoredSegment]
    /// The shard's head at that moment.
    let head: Int
    /// Whether nothing is kept any more of what is between the reader and the head.
    var isForgotten = false
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
    ///
    /// - Parameters:
    ///   - limit: the most segments.
    ///   - room: how many wanted events the reader can take. The first segment comes in any case,
    ///     others only where all that is wanted of them fits: what a page has no room for would be
    ///     read for nothing, and again for the next.
    ///   - wanted: of which events the bodies are needed; segments that hold none of them come with
    ///     an empty body. Whoever wants little reads headers, a fraction of the log.
    func segments(
        of shard: Int, after position: Int, limit: Int, room: Int = 1 << 20,
        wanted: Wanted = .everything
    ) async throws(PostgresError) -> LogStretch {
        let last = wanted.isEverything ? position + room : .max
        let rows = try await postgres.query(
            """
            select log_shard.head, first_position, last_position, header,
                case when \(wanted.isEverything) then body end as body
            from log_shard left join lateral (
                select *, row_number() over (order by last_position) as place
                from log_segment
                where log_segment.shard = log_shard.shard and last_position > \(position)
                order by last_position limit \(limit)) segment
                on place = 1 or last_position <= \(last)
            where log_shard.shard = \(shard) order by segment.last_position
            """)
        guard let first = rows.first else { return LogStretch(segments: [], head: position) }
        let head: Int = try first.get("head")
        var segments: [StoredSegment] = []
        for row in rows where try row.get("first_position", as: Int?.self) != nil {
            let body: [UInt8]? = try row.get("body")
            segments.append(try StoredSegment(row: row, body: body ?? []))
        }
        guard !segments.isEmpty else {
            return LogStretch(segments: [], head: head, isForgotten: true)
        }
        if !wanted.isEverything {
            segments = try await whole(segments, of: shard, after: position, room: room, wanted)
        }
        return LogStretch(segments: segments, head: head)
    }

    /// The segments from the first on whose wanted events have room together. Those that have some
    /// are read once more, whole: an erasure may have moved the events in the body meanwhile.
    private func whole(
        _ segments: [StoredSegment], of shard: Int, after position: Int, room: Int, _ wanted: Wanted
    ) async throws(PostgresError) -> [StoredSegment] {
        var rest = room
        var whole: [StoredSegment] = []
        /// The last positions of those that are to be read, with their places.
        var missing: [Int: Int] = [:]
        for segment in segments {
            let count = segment.count(of: wanted, after: position)
            rest -= count
            if rest < 0, !whole.isEmpty { break }
            if count > 0 { missing[segment.lastPosition] = whole.count }
            whole.append(segment)
        }
        if missing.isEmpty { return whole }
        let rows = try await postgres.query(
            """
            select first_position, last_position, header, body from log_segment
            where shard = \(shard) and last_position = any(\(Array(missing.keys))::bigint[])
            """)
        for row in rows {
            let segment = try StoredSegment(row: row)
            if let place = missing.removeValue(forKey: segment.lastPosition) {
                whole[place] = segment
            }
        }
        // What retention took meanwhile is not there for the reader either.
        for place in missing.values.sorted(by: >) { whole.remove(at: place) }
        return whole
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
