import Contracts
import HTTPKit
import Kernel
import Synchronization

/// How many watch at once: in this process, and of one client.
final class WatchSeats: Sendable {
    private static let limit = 200
    private static let limitPerClient = 20

    private let taken = Mutex<[ClientID: Int]>([:])

    /// Throws 429 or 503 when there is no seat.
    func check(_ client: ClientID) throws(Problem) {
        let (own, all) = taken.withLock { ($0[client] ?? 0, $0.values.reduce(0, +)) }
        guard own < Self.limitPerClient else {
            throw Problem(
                status: 429, code: "too_many_views",
                detail: "A client may have \(Self.limitPerClient) live views at once.",
                retryAfter: .seconds(10))
        }
        guard all < Self.limit else {
            throw .unavailable(
                "too_many_views", "There is no room for another live view. Try again later.")
        }
    }

    func take(_ client: ClientID) throws(Problem) {
        try check(client)
        taken.withLock { $0[client, default: 0] += 1 }
    }

    func leave(_ client: ClientID) {
        taken.withLock { taken in
            let rest = (taken[client] ?? 1) - 1
            taken[client] = rest > 0 ? rest : nil
        }
    }
}

/// One open view of a client's events as they come, with those that are not taken.
///
/// Shows so many a second as a person can see; how many there were besides is told.
struct EventWatch: Sendable {
    /// What came, in order.
    enum News: Sendable {
        case accepted(LoggedEvent)
        case rejected(RejectedEvent)
        /// Some that were not shown; nil when nobody counted.
        case skipped(Int?)
        /// A sign of life.
        case nothing
    }

    static let lifetime = Duration.seconds(15 * 60)
    private static let heartbeat = Duration.seconds(10)
    /// How often the credential, the rejected events and other replicas are looked at.
    private static let turn = Duration.seconds(1)
    private static let shownPerTurn = 50
    /// Events that are read to find one person's.
    private static let readPerTurn = 500
    /// A viewer who comes back from further behind goes on with what is new.
    private static let maximumLag = 5000
    /// Rejected events may be written in another order than they came in.
    private static let overlap = Duration.seconds(15)

    let clientID: ClientID
    let filter: LoggedEventFilter
    let showsAccepted: Bool
    let showsRejected: Bool
    let log: LogFeed
    let rejected: RejectedEventStore
    let clock: any TimeSource
    /// Throws when the caller may no longer watch.
    let authorize: @Sendable () async throws -> Void
    let tell: @Sendable (News) async throws -> Void

    /// Tells what comes until its time is over or the credential does not count any more. Throws
    /// what `tell` or a cancellation throws.
    func run(after: Int?) async throws {
        let shard = ShardMap.installed.shard(of: clientID)
        let head = try await log.store.heads().dropFirst(shard).first ?? 0
        var position = after.map { head - $0 > Self.maximumLag ? head : min($0, head) } ?? head
        if let after, position > after { try await tell(.skipped(nil)) }
        var rejections = RejectionTail(since: clock.now(), overlap: Self.overlap)
        let (end, start) = (ContinuousClock.now + Self.lifetime, ContinuousClock.now)
        var (turnDue, beatDue) = (start, start + Self.heartbeat)
        var allowance = Allowance()
        while ContinuousClock.now < end {
            try Task.checkCancellation()
            let seen = log.signals[shard].raises
            let segments = try await log.segments(of: shard, after: position).segments
            for segment in segments {
                try await show(segment, of: shard, after: position, &allowance)
                position = max(position, segment.lastPosition)
            }
            if ContinuousClock.now >= turnDue {
                do { try await authorize() } catch is CancellationError {
                    throw CancellationError()
                } catch { return }
                if showsRejected {
                    for event in try await rejections.next(rejected, clientID, at: clock.now()) {
                        try await tell(.rejected(event))
                    }
                }
                if allowance.skipped > 0 { try await tell(.skipped(allowance.skipped)) }
                allowance = Allowance()
                turnDue = ContinuousClock.now + Self.turn
            }
            if ContinuousClock.now >= beatDue {
                try await tell(.nothing)
                beatDue = ContinuousClock.now + Self.heartbeat
            }
            guard segments.isEmpty else { continue }
            await log.signals[shard].wait(
                past: seen, within: ContinuousClock.now.duration(to: turnDue))
        }
    }

    /// What may still be shown and read in this turn.
    private struct Allowance {
        var shown = EventWatch.shownPerTurn
        var read = EventWatch.readPerTurn
        var skipped = 0
    }

    private func show(
        _ segment: StoredSegment, of shard: Int, after: Int, _ allowance: inout Allowance
    ) async throws {
        guard showsAccepted else { return }
        for (index, entry) in segment.header.entries.enumerated() {
            let position = segment.firstPosition + index
            guard position > after, filter.admits(entry, of: clientID) else { continue }
            guard allowance.shown > 0, allowance.read > 0 else {
                allowance.skipped += 1
                continue
            }
            allowance.read -= 1
            let event = try LogEvent(
                stored: segment.body[entry.offset..<(entry.offset + entry.length)],
                at: LogPosition(shard: shard, position: position))
            guard filter.admits(event) else { continue }
            allowance.shown -= 1
            try await tell(.accepted(LoggedEvent(event: event)))
        }
    }
}

/// The rejected events of a client that were not told yet.
private struct RejectionTail {
    private static let limit = 50

    private let since: Timestamp
    private let overlap: Duration
    private var told: [RejectionID: Timestamp] = [:]

    init(since: Timestamp, overlap: Duration) {
        self.since = since
        self.overlap = overlap
    }

    mutating func next(
        _ store: RejectedEventStore, _ client: ClientID, at now: Timestamp
    ) async throws -> [RejectedEvent] {
        let first = max(since, now - overlap)
        told = told.filter { $0.value >= first - overlap }
        let found = try await store.latest(of: client, since: first, limit: Self.limit)
        let fresh = found.filter { told[$0.rejectionID] == nil }
        for event in fresh { told[event.rejectionID] = now }
        return fresh
    }
}
