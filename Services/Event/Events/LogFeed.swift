import Contracts
import Kernel
import MessagingKit
import PostgresKit
import Synchronization

/// Answers `GET /internal/feed` from the tail in memory or from PostgreSQL, holding the answer for
/// a while when there is nothing yet.
struct LogFeed: Sendable {
    /// Bodies in one answer; a page ends early beyond that.
    private static let maximumPageBytes = 4 << 20
    /// Segments read at a time.
    private static let segmentsPerRead = 16
    /// Reads for one page; a reader far behind with few matches is told how far it got and goes on.
    private static let readsPerPage = 8
    /// How often a held answer asks PostgreSQL whether another replica wrote.
    private static let pollInterval: Duration = .milliseconds(250)

    let store: FeedStore
    let tail: LogTailCache
    /// One per shard; raised after each commit of this process.
    let signals: [WakeSignal]
    let shards: ShardMap
    let acknowledgements: Acknowledgements

    /// The page as JSON bytes (`FeedPage`). Throws `Problem` for a shard that does not exist.
    func page(_ request: FeedRequest) async throws -> [UInt8] {
        guard (0..<shards.count).contains(request.shard) else {
            throw Problem.badRequest(
                "unknown_shard", "Use a shard from 0 to \(shards.count - 1).", pointer: "?shard")
        }
        if let subscriber = request.subscriber, request.limit > 0 {
            try await acknowledgements.tell(request.after, of: request.shard, by: subscriber)
        }
        let deadline = ContinuousClock.now + .milliseconds(request.waitMilliseconds)
        var after = request.after
        while true {
            // Taken before reading, so that a commit in between is not slept through.
            let seen = signals[request.shard].raises
            let page = try await read(request, after: after)
            let remaining = ContinuousClock.now.duration(to: deadline)
            guard page.count == 0, request.limit > 0, remaining > .zero else {
                return page.bytes(shard: request.shard)
            }
            after = page.next
            if page.next < page.head { continue }
            await signals[request.shard].wait(
                past: seen, within: min(remaining, Self.pollInterval))
            try Task.checkCancellation()
        }
    }

    private func read(_ request: FeedRequest, after start: Int) async throws -> FeedPageBytes {
        let shard = request.shard
        var page = FeedPageBytes(next: start)
        var head = 0
        if request.limit == 0 { head = try await store.heads().dropFirst(shard).first ?? start }
        for _ in 0..<(request.limit > 0 ? Self.readsPerPage : 0) {
            let found = try await segments(
                of: shard, after: page.next, room: request.limit - page.count,
                wanted: request.wanted)
            head = max(head, found.head)
            if found.isForgotten { page.pass(to: found.head) }
            for segment in found.segments {
                page.take(segment, request: request, maximumBytes: Self.maximumPageBytes)
                if page.isFull { break }
            }
            if page.isFull || found.segments.count < Self.segmentsPerRead { break }
        }
        page.head = max(head, page.next)
        return page
    }

    /// From the tail; else PostgreSQL is asked, because another replica may have written.
    ///
    /// A reader of the tail is told the tail's end as head; the truth may be ahead of it when
    /// another replica writes, which the next page will show.
    ///
    /// - Parameter room: how many wanted events the reader can take.
    func segments(
        of shard: Int, after: Int, room: Int = FeedRequest.maximumLimit,
        wanted: Wanted = .everything
    ) async throws -> LogStretch {
        let limit = Self.segmentsPerRead
        if let found = tail.segments(of: shard, after: after, limit: limit) { return found }
        return try await store.segments(
            of: shard, after: after, limit: limit, room: room, wanted: wanted)
    }
}

/// A feed page under construction: events as they are stored, each with its position put in front.
private struct FeedPageBytes {
    private(set) var next: Int
    private(set) var count = 0
    private(set) var isFull = false
    private var events: [UInt8] = []
    var head = 0

    /// About what an event takes besides its stored bytes.
    private static let framing = 32

    init(next: Int) {
        self.next = next
    }

    /// Goes on to a position before which nothing is kept.
    mutating func pass(to position: Int) { next = max(next, position) }

    mutating func take(_ segment: StoredSegment, request: FeedRequest, maximumBytes: Int) {
        if request.wanted.isEverything, count < request.limit {
            let places = min(segment.header.entries.count, request.limit - count)
            events.reserveCapacity(
                events.count + min(segment.body.count, maximumBytes) + places * Self.framing)
        }
        for (index, entry) in segment.header.entries.enumerated() {
            let position = segment.firstPosition + index
            guard position > next else { continue }
            if request.wanted.includes(type: entry.type, facets: entry.facets) {
                if count == request.limit || events.count >= maximumBytes {
                    isFull = true
                    return
                }
                append(entry, at: LogPosition(shard: request.shard, position: position), segment)
            }
            next = position
        }
        next = max(next, segment.lastPosition)
        isFull = count == request.limit || events.count >= maximumBytes
    }

    private mutating func append(
        _ entry: SegmentHeader.Entry, at position: LogPosition, _ segment: StoredSegment
    ) {
        if count > 0 { events.append(UInt8(ascii: ",")) }
        events += #"{"position":""#.utf8
        events += position.description.utf8
        events += #"","#.utf8
        // The stored object without its opening brace.
        events += segment.body[(entry.offset + 1)..<(entry.offset + entry.length)]
        count += 1
    }

    func bytes(shard: Int) -> [UInt8] {
        let frame = #"{"shard":\#(shard),"next":\#(next),"head":\#(head),"events":["#
        var bytes: [UInt8] = []
        bytes.reserveCapacity(frame.utf8.count + events.count + 2)
        bytes += frame.utf8
        bytes += events
        bytes += "]}".utf8
        return bytes
    }
}
