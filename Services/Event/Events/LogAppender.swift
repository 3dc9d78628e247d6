import Kernel
import PostgresKit

/// Appends to the log so that requests which arrive together share a transaction.
///
/// One flush per shard is under way at a time; what arrives meanwhile goes into the next, which
/// lets a few more come when it would be small. An idle shard flushes at once, so a lone request
/// pays no delay. Clients of one shard are served in turn, and none may fill what may wait.
actor LogAppender {
    private struct Submission {
        let events: [PendingEvent]
        let bytes: Int
        /// Whose turn it takes.
        let party: ClientID?
        let reply: CheckedContinuation<[AppendOutcome], any Error>
    }

    private struct Lane {
        var waiting = FairLine<ClientID?, Submission>()
        var waitingEvents = 0
        var isFlushing = false
    }

    private let store: LogStore
    private let shards: ShardMap
    private let limits: FlushLimits
    private let world: World
    private let onAppended: @Sendable (Int, Appended) -> Void
    private var lanes: [Lane]
    private var waitingBytes = 0
    private var waitingBytesOf: [ClientID?: Int] = [:]
    private let flushes: Histogram
    private let appended: Counter

    /// `onAppended` is told of each commit before the requests in it are answered; it must not
    /// block.
    init(
        store: LogStore, shards: ShardMap, limits: FlushLimits = FlushLimits(), world: World,
        onAppended: @escaping @Sendable (Int, Appended) -> Void
    ) {
        self.store = store
        self.shards = shards
        self.limits = limits
        self.world = world
        self.onAppended = onAppended
        lanes = Array(repeating: Lane(), count: shards.count)
        flushes = world.telemetry.metrics.histogram(
            "grapevine_event_flush_seconds", help: "Time to commit one batch of events.")
        appended = world.telemetry.metrics.counter(
            "grapevine_event_appended_total", help: "Events that were new and are in the log.")
    }

    /// Commits the events and tells what became of each, in the order given.
    ///
    /// Throws `LogFailure.overloaded` when too much waits already and `.unavailable` when the
    /// commit failed or is unknown; sending the same events again is safe then.
    ///
    /// - Parameter party: the client that sent them; nil for the services' messages, which wait
    ///   for nobody's flood.
    func append(
        _ events: [PendingEvent], of party: ClientID?
    ) async throws -> [(shard: Int, outcome: AppendOutcome)] {
        var byShard: [Int: [Int]] = [:]
        for (index, event) in events.enumerated() {
            byShard[shards.shard(of: event.clientID), default: []].append(index)
        }
        // One client's events are of one shard.
        if byShard.count == 1, let shard = byShard.keys.first {
            return try await submit(events, of: party, to: shard).map { (shard, $0) }
        }
        var results = [(shard: Int, outcome: AppendOutcome)?](repeating: nil, count: events.count)
        for (shard, indexes) in byShard {
            let outcomes = try await submit(indexes.map { events[$0] }, of: party, to: shard)
            for (index, outcome) in zip(indexes, outcomes) { results[index] = (shard, outcome) }
        }
        return results.compactMap(\.self)
    }

    private func submit(
        _ events: [PendingEvent], of party: ClientID?, to shard: Int
    ) async throws -> [AppendOutcome] {
        let bytes = events.reduce(0) { $0 + $1.envelope.count }
        guard waitingBytes + bytes <= limits.waitingBytes,
            waitingBytesOf[party, default: 0] + bytes <= limits.waitingBytesOfOne
        else { throw LogFailure.overloaded }
        waitingBytes += bytes
        waitingBytesOf[party, default: 0] += bytes
        return try await withCheckedThrowingContinuation { reply in
            lanes[shard].waiting.append(
                Submission(events: events, bytes: bytes, party: party, reply: reply), of: party)
            lanes[shard].waitingEvents += events.count
            guard !lanes[shard].isFlushing else { return }
            lanes[shard].isFlushing = true
            Task { await flush(shard) }
        }
    }

    private func flush(_ shard: Int) async {
        while !lanes[shard].waiting.isEmpty {
            var load = FlushLoad(limits)
            let batch = lanes[shard].waiting.take {
                load.add(events: $0.events.count, bytes: $0.bytes)
            }
            lanes[shard].waitingEvents -= batch.reduce(0) { $0 + $1.events.count }
            forget(batch)
            await commit(batch, to: shard)
            if limits.gathers(lanes[shard].waitingEvents) {
                try? await Task.sleep(for: limits.gatherInterval)
            }
        }
        lanes[shard].isFlushing = false
    }

    private func forget(_ batch: [Submission]) {
        for submission in batch {
            waitingBytes -= submission.bytes
            let rest = waitingBytesOf[submission.party, default: 0] - submission.bytes
            waitingBytesOf[submission.party] = rest == 0 ? nil : rest
        }
    }

    private func commit(_ batch: [Submission], to shard: Int) async {
        let events = batch.count == 1 ? batch[0].events : batch.flatMap(\.events)
        let begin = ContinuousClock.now
        do {
            let result = try await store.append(events, to: shard, at: world.clock.now())
            flushes.observe(begin.duration(to: .now))
            appended.increment(by: result.segments.reduce(0) { $0 + $1.header.entries.count })
            onAppended(shard, result)
            world.faults.reach(EventCrashPoint.appendAfterCommit)
            var start = 0
            for submission in batch {
                let end = start + submission.events.count
                submission.reply.resume(returning: Array(result.outcomes[start..<end]))
                start = end
            }
        } catch {
            world.telemetry.logger.error(
                "The log could not be written.",
                [("shard", .integer(shard)), ("error", "\(error)")])
            for submission in batch { submission.reply.resume(throwing: LogFailure.unavailable) }
        }
    }
}
