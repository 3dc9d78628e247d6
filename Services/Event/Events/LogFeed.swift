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
    let world: World
    private let acknowledgements = Acknowledgements()

    init(
        store: FeedStore, tail: LogTailCache, signals: [WakeSignal], shards: ShardMap, world: World
    ) {
        self.store = store
        self.tail = tail
        self.signals = signals
        self.shards = shards
        self.world = world
    }

    /// The page as JSON bytes (`FeedPage`). Throws `Problem` for a shard that does not exist.
    func page(_ request: FeedRequest) async throws -> [UInt8] {
        guard (0..<shards.count).contains(request.shard) else {
            throw Problem.badRequest(
                "unknown_shard", "Use a shard from 0 to \(shards.count - 1).", pointer: "?shard")
        }
        if let subscriber = request.subscriber, request.limit > 0 {
            try await acknowledge(request.after, of: request.shard, by: subscriber)
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

    /// Writes only what is new, so that an idle subscriber's polls cost nothing.
    private func acknowledge(_ position: Int, of shard: Int, by subscriber: String) async throws {
        guard acknowledgements.isNew(position, of: shard, by: subscriber) else { return }
        try await store.acknowledge(position, of: shard, by: subscriber, at: world.clock.now())
        acknowledgements.remember(position, of: shard, by: subscriber)
    }

    private func read(_ request: FeedRequest, after start: Int) async throws -> FeedPageBytes {
        let shard = request.shard
        var page = FeedPageBytes(next: start)
        for _ in 0..<(request.limit > 0 ? Self.readsPerPage : 0) {
            let segments = try await segments(of: shard, after: page.next)
            for segment in segments {
                page.take(segment, request: request, maximumBytes: Self.maximumPageBytes)
                if page.isFull { break }
            }
            if page.isFull || segments.count < Self.segmentsPerRead { break }
        }
        let head = try await head(of: shard, atLeast: page.next)
        page.head = max(head, page.next)
        return page
    }

    private func segments(of shard: Int, after: Int) async throws -> [StoredSegment] {
        if let found = tail.segments(of: shard, after: after, limit: Self.segmentsPerRead) {
            return found
        }
        return try await store.segments(of: shard, after: after, limit: Self.segmentsPerRead)
    }

    private func head(of shard: Int, atLeast next: Int) async throws -> Int {
        // A reader that came from the tail is told the tail's end; the truth may be ahead of it
        // when another replica writes, which the next page will show.
        if let last = tail.lastPosition(of: shard), last >= next { return last }
        return try await store.heads()[shard] ?? next
    }
}

/// The newest acknowledgement that this process has stored of each subscriber.
private final class Acknowledgements: Sendable {
    private struct Key: Hashable {
        let subscriber: String
        let shard: Int
    }

    private static let maximumEntries = 10_000
    private let positions = Mutex<[Key: Int]>([:])

    func isNew(_ position: Int, of shard: Int, by subscriber: String) -> Bool {
        positions.withLock { ($0[Key(subscriber: subscriber, shard: shard)] ?? -1) < position }
    }

    func remember(_ position: Int, of shard: Int, by subscriber: String) {
        positions.withLock { positions in
            if positions.count >= Self.maximumEntries { positions.removeAll() }
            positions[Key(subscriber: subscriber, shard: shard)] = position
        }
    }
}

/// A feed page under construction: events as they are stored, each with its position put in front.
private struct FeedPageBytes {
    private(set) var next: Int
    private(set) var count = 0
    private(set) var isFull = false
    private var events: [UInt8] = []
    var head = 0

    init(next: Int) {
        self.next = next
    }

    mutating func take(_ segment: StoredSegment, request: FeedRequest, maximumBytes: Int) {
        for (index, entry) in segment.header.entries.enumerated() {
            let position = segment.firstPosition + index
            guard position > next else { continue }
            if request.types?.contains(entry.type) ?? true {
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
        events += #"{"position":"\#(position)","#.utf8
        // The stored object without its opening brace.
        events += segment.body[(entry.offset + 1)..<(entry.offset + entry.length)]
        count += 1
    }

    func bytes(shard: Int) -> [UInt8] {
        Array(#"{"shard":\#(shard),"next":\#(next),"head":\#(head),"events":["#.utf8)
            + events + Array("]}".utf8)
    }
}
