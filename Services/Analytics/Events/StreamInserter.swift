import ClickHouseKit
import FoundationEssentials
import Kernel
import Synchronization

/// A batch with its rows, on its way.
struct StreamItem: Sendable {
    let batch: StreamBatch
    let rows: EventRows
    /// Whether an earlier attempt may have succeeded, here or in a process that died.
    let isInDoubt: Bool
    /// Whether the log went on after it when it was cut: its shard is behind, and company would
    /// only keep it there.
    var isBehind = false
}

/// Sends the batches of all shards together: at most one insert per month and pause, so that
/// ClickHouse can merge what it is given, however many shards have something to say.
final class StreamInserter: Sendable {
    /// Rows that share an insert; more wait for the next one.
    private static let rowLimit = 100_000
    /// How long an insert whose outcome is unknown may still be under way at the server.
    private static let doubtLimit = Duration.seconds(30)

    private struct Waiting {
        let item: StreamItem
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var waiting: [Waiting] = []
        var isRunning = false
        var isMigrated = false
        /// Under load the shards read the log again then.
        var readAgainAt = ContinuousClock.now
    }

    private let archive: EventArchive
    private let pace: InsertPace
    private let metrics: StreamMetrics
    private let state = Mutex(State())
    /// Raised when something waits to be sent.
    private let arrivals = WakeSignal()

    init(archive: EventArchive, pace: InsertPace, metrics: StreamMetrics) {
        self.archive = archive
        self.pace = pace
        self.metrics = metrics
    }

    /// Returns when a shard that has read all of the log should look again: at once as a rule, and
    /// under load shortly before the next insert.
    func rest() async {
        let time = state.withLock { $0.readAgainAt }
        if time > .now { try? await Task.sleep(until: time, clock: .continuous) }
    }

    /// Returns when ClickHouse holds every row of the batch, and has been asked. Throws when that
    /// is not known: then the batch is in doubt.
    func insert(_ item: StreamItem) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let mustStart = state.withLock { state in
                state.waiting.append(Waiting(item: item, continuation: continuation))
                defer { state.isRunning = true }
                return !state.isRunning
            }
            // A task of its own: the batch of a shard must not end with another shard's worker.
            if mustStart { Task { await self.work() } }
            arrivals.raise()
        }
    }

    /// Sends until nothing waits, with pauses between.
    private func work() async {
        while let group = nextGroup() {
            let failures = await send(group.map(\.item))
            let ended = ContinuousClock.now
            let rows = group.indices.reduce(0) {
                $0 + (failures[$1] == nil ? group[$1].item.rows.count : 0)
            }
            state.withLock { $0.readAgainAt = ended + pace.readingPause(afterRows: rows) }
            for (index, waiting) in group.enumerated() {
                if let error = failures[index] {
                    waiting.continuation.resume(throwing: error)
                } else {
                    waiting.continuation.resume()
                }
            }
            await gather(until: ended + pace.longestPause(afterRows: rows))
        }
    }

    /// Lets rows come together, until they are enough or the time is over.
    private func gather(until end: ContinuousClock.Instant) async {
        try? await Task.sleep(for: pace.linger)
        while true {
            let seen = arrivals.raises
            let (rows, isBehind) = state.withLock { state in
                (
                    state.waiting.reduce(0) { $0 + $1.item.rows.count },
                    state.waiting.contains { $0.item.isBehind }
                )
            }
            let rest = ContinuousClock.now.duration(to: end)
            guard !isBehind, !pace.isEnough(rows), rest > .zero else { return }
            await arrivals.wait(past: seen, within: rest)
        }
    }

    private func nextGroup() -> [Waiting]? {
        state.withLock { state in
            var rows = 0
            let count = state.waiting.prefix { waiting in
                defer { rows += waiting.item.rows.count }
                return rows == 0 || rows + waiting.item.rows.count <= Self.rowLimit
            }.count
            guard count > 0 else {
                state.isRunning = false
                return nil
            }
            let group = Array(state.waiting.prefix(count))
            state.waiting.removeFirst(count)
            return group
        }
    }

    /// The errors by the items' places; none means that all is well.
    private func send(_ items: [StreamItem]) async -> [Int: any Error] {
        let everything = items.indices
        do {
            try await prepare()
            for item in items where item.isInDoubt { try await settle(item.batch.shard) }
        } catch {
            metrics.failed(error)
            return Dictionary(uniqueKeysWithValues: everything.map { ($0, error) })
        }
        var failures: [Int: any Error] = [:]
        let months = Set(items.flatMap { $0.rows.months.keys }).sorted()
        for month in months {
            let members = everything.filter {
                items[$0].rows.months[month] != nil && failures[$0] == nil
            }
            do {
                let missing = try await send(members.map { items[$0] }, month: month)
                for index in members where missing.contains(items[index].batch.batchID) {
                    failures[index] = StreamError.rowsMissing
                }
            } catch {
                metrics.failed(error)
                for index in members { failures[index] = error }
            }
        }
        let done = everything.filter { failures[$0] == nil }
        metrics.succeeded(rows: done.reduce(0) { $0 + items[$1].rows.count })
        return failures
    }

    private func prepare() async throws {
        guard !state.withLock({ $0.isMigrated }) else { return }
        try await archive.migrate()
        state.withLock { $0.isMigrated = true }
    }

    /// Waits until no earlier insert of the shard is under way, as far as the server knows of one.
    private func settle(_ shard: Int) async throws {
        let deadline = ContinuousClock.now + Self.doubtLimit
        while try await archive.isInserting(shard: shard), .now < deadline {
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Sends what is not there yet, and asks afterwards. The batches that are not whole then.
    private func send(_ items: [StreamItem], month: Int) async throws -> Set<UUID> {
        let parts = items.compactMap { item in
            item.rows.months[month].map { (item: item, part: $0) }
        }
        guard let first = parts.map(\.part.first).min(), let last = parts.map(\.part.last).max()
        else { return [] }
        func incomplete(_ parts: [(item: StreamItem, part: EventRows.Month)]) async throws
            -> [(item: StreamItem, part: EventRows.Month)]
        {
            guard !parts.isEmpty else { return [] }
            let found = try await archive.present(
                parts.map(\.item.batch.batchID), in: month, from: first, to: last)
            return parts.filter { (found[$0.item.batch.batchID] ?? 0) < $0.part.distinctKeys }
        }
        let doubted = parts.filter(\.item.isInDoubt)
        let unsent = try await incomplete(doubted) + parts.filter { !$0.item.isInDoubt }
        metrics.found(batches: parts.count - unsent.count)
        guard !unsent.isEmpty else { return [] }
        var block = unsent[0].part.block
        for (_, part) in unsent.dropFirst() { block.append(part.block) }
        do {
            try await archive.insert(block, shards: Set(unsent.map(\.item.batch.shard)))
        } catch {
            // Somebody may have dropped the tables: make them again next time.
            if error.code == .unknownTable { state.withLock { $0.isMigrated = false } }
            throw error
        }
        return Set(try await incomplete(unsent).map(\.item.batch.batchID))
    }
}

/// What the stream itself finds wrong.
enum StreamError: Error, Sendable, Hashable {
    /// ClickHouse took an insert and does not hold all of its rows.
    case rowsMissing
    /// An event that was read when its batch was cut cannot be read any more.
    case batchUnreadable
}
