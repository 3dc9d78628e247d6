import Contracts
import Kernel
import PostgresKit

/// Reads and applies one shard while its lease holds.
struct ShardWorker: Sendable {
    /// This replica's lease is over: another has moved the cursor, or may.
    private struct Fenced: Error {}

    /// How often an event is read that cannot be read, before it is passed over.
    private static let unreadableAttempts = 3

    private let subscriber: Subscriber
    private let lease: ShardCursor
    private let applied: Counter
    private let failures: Counter
    private let deadLetters: Counter
    private let lag: Gauge

    private var shard: Int { lease.shard }
    private var configuration: SubscriberConfiguration { subscriber.configuration }

    init(subscriber: Subscriber, lease: ShardCursor) {
        self.subscriber = subscriber
        self.lease = lease
        let metrics = subscriber.world.telemetry.metrics
        let name = ("subscriber", subscriber.name)
        applied = metrics.counter(
            "grapevine_subscriber_events_total", help: "Events that took effect.", [name])
        failures = metrics.counter(
            "grapevine_subscriber_failures_total",
            help: "Batches that could not be read or applied and are tried again.", [name])
        deadLetters = metrics.counter(
            "grapevine_dead_letters_total",
            help: "Messages and events that could not take effect and were passed over.",
            [("direction", "in"), name])
        lag = metrics.gauge(
            "grapevine_subscriber_lag_events",
            help: "Positions of the log between the cursor and the head.",
            [name, ("shard", String(lease.shard))])
    }

    /// Works until the lease is lost or given back, or the task is cancelled.
    func run(_ pace: ShardPace) async {
        var pace = pace
        let progress = subscriber.progress
        progress.begin(shard: shard, at: lease.position, nudge: pace.signal)
        defer {
            progress.end(shard: shard)
            lag.set(0)
        }
        var place = Place(position: lease.position, limit: configuration.batchLimit)
        while !Task.isCancelled, subscriber.held.isWanted(shard) {
            pace.begin(at: place.position)
            do {
                let start = place.position
                let head = try await advance(&place, pace)
                lag.set(max(0, head - place.position))
                place.backoff.succeed()
                place.limit = min(configuration.batchLimit, place.limit * 2)
                let isBehind = place.position > start && place.position < head
                // What became wanted while it was announced wakes nobody: look once more.
                if isBehind || place.wanted == nil { continue }
                await pace.rest(at: place.position)
            } catch {
                guard await recover(from: error, &place) else { return }
            }
        }
        // When cancelled, the subscriber gives everything back together.
        try? await subscriber.cursors.release(shard: shard, epoch: lease.epoch)
    }

    /// Where the worker is and how it fares.
    private struct Place {
        var position: Int
        var limit: Int
        var backoff = Backoff()
        /// What is wanted from `position` on; nil when it must be read.
        var wanted: Wanted?
    }

    /// Reads a page and lets it take effect. The shard's last position.
    private func advance(_ place: inout Place, _ pace: ShardPace) async throws -> Int {
        let wanted = if let known = place.wanted { known } else { try await readWanted() }
        place.wanted = wanted
        pace.want(wanted)
        var page = try await read(
            after: place.position, limit: place.limit, wanted, hold: pace.hold)
        guard page.next > place.position else { return page.head }
        var isChange = false
        if let changes = subscriber.changes {
            (page, isChange) = page.whole(for: wanted, changes)
        }
        try await take(page, from: place.position)
        place.position = page.next
        if isChange { place.wanted = nil }
        subscriber.progress.move(shard: shard, to: place.position)
        return page.head
    }

    /// What is wanted where the cursor stands. Nobody else moves it while the lease is ours; if
    /// somebody does, what is read by this has no effect.
    private func readWanted() async throws -> Wanted {
        guard let changes = subscriber.changes else { return subscriber.wanted }
        return subscriber.wanted.union(try await changes.read(shard)).asked
    }

    /// Prepares another attempt. False when the lease is over.
    private func recover(from error: any Error, _ place: inout Place) async -> Bool {
        failures.increment()
        subscriber.report("A subscriber could not read or apply; trying again.", error)
        if case LogError.unreadable(let page) = error {
            if place.limit > 1 {
                // Alone it shows which event is at fault.
                place.limit = 1
                return true
            }
            if place.backoff.failures >= Self.unreadableAttempts,
                await putAside(page, from: place.position)
            {
                place.position = page.next
                subscriber.progress.move(shard: shard, to: page.next)
                place.backoff.succeed()
                return true
            }
        }
        // Smaller batches let what is before the troublemaker take effect.
        place.limit = max(1, place.limit / 2)
        try? await Task.sleep(for: place.backoff.fail(least: error.retryAfter))
        guard let current = await subscriber.cursors.resume(lease) else { return false }
        subscriber.progress.move(shard: shard, to: current)
        place.position = current
        place.wanted = nil
        return true
    }

    /// Passes over an event that cannot be read. False when that did not work out.
    private func putAside(_ page: UnreadablePage, from position: Int) async -> Bool {
        guard page.position.shard == shard, page.position.position > position else { return false }
        do {
            try await subscriber.postgres.withTransaction { transaction in
                try await subscriber.cursors.bury(page, in: transaction)
                try await moveCursor(to: page.next, from: position, in: transaction)
            }
        } catch {
            return false
        }
        deadLetters.increment()
        logPutAside(page.position)
        return true
    }

    private func logPutAside(_ position: LogPosition) {
        subscriber.world.telemetry.logger.error(
            "An event could not take effect and was put aside.",
            [
                ("subscriber", .text(subscriber.name)), ("position", .text(position.description)),
            ])
    }

    /// Asks the log. Without Redis the log holds its answer until something is there.
    private func read(
        after position: Int, limit: Int, _ wanted: Wanted, hold: Duration
    ) async throws -> FeedPage {
        let page = try await subscriber.log.feed(
            FeedRequest(
                subscriber: subscriber.name, shard: shard, after: position,
                limit: limit, wanted: wanted,
                waitMilliseconds: Int(hold.wholeMilliseconds)))
        guard page.shard == shard, page.next >= position else {
            throw LogError.unavailable(reason: "page_does_not_match")
        }
        subscriber.progress.contact(shard: shard)
        return page
    }

    /// Lets a page take effect and moves the cursor, in one transaction.
    private func take(_ page: FeedPage, from position: Int) async throws {
        guard !page.events.isEmpty else {
            // Nothing to do but to pass over what others want.
            guard
                try await subscriber.cursors.pass(
                    shard: shard, from: position, to: page.next, epoch: lease.epoch)
            else { throw Fenced() }
            return
        }
        subscriber.held.setBusy(shard, true)
        defer { subscriber.held.setBusy(shard, false) }
        var poison: [LogPosition: PoisonEvent] = [:]
        while true {
            do {
                try await apply(page, from: position, poison: poison)
                break
            } catch let error as PoisonEvent {
                guard page.events.contains(where: { $0.position == error.position }),
                    poison.updateValue(error, forKey: error.position) == nil
                else { throw error }
            }
        }
        subscriber.world.faults.reach(MessagingCrashPoints.committed(subscriber.service))
        applied.increment(by: page.events.count - poison.count)
        deadLetters.increment(by: poison.count)
        for event in poison.values { logPutAside(event.position) }
    }

    private func apply(
        _ page: FeedPage, from position: Int, poison: [LogPosition: PoisonEvent]
    ) async throws {
        let events = page.events.filter { poison[$0.position] == nil }
        let buried = page.events.compactMap { event in
            poison[event.position].map { (event: event, reason: $0.reason) }
        }
        let spans = MessageSpan.begin(events, subscriber.world.telemetry.tracer)
        var failure: String? = "rolled_back"
        defer { MessageSpan.end(spans, subscriber: subscriber.name, failure: failure) }
        try await subscriber.postgres.withTransaction { transaction in
            if !events.isEmpty { try await subscriber.apply(events, transaction) }
            try await subscriber.cursors.bury(buried, in: transaction)
            try await moveCursor(to: page.next, from: position, in: transaction)
            subscriber.world.faults.reach(MessagingCrashPoints.applied(subscriber.service))
        }
        failure = nil
    }

    private func moveCursor(
        to next: Int, from position: Int, in transaction: Transaction
    ) async throws {
        guard
            try await subscriber.cursors.advance(
                shard: shard, from: position, to: next, epoch: lease.epoch, on: transaction)
        else { throw Fenced() }
    }
}
