import Contracts
import Kernel
import PostgresKit
import Synchronization

/// Keeps what was rejected, beside the way of what is accepted.
///
/// A request that had something rejected waits a moment for its row; whatever goes wrong here is
/// counted and never told to the sender. What waits is bounded in all and per client, so that one
/// client's flood of nonsense costs the others nothing.
final class RejectedEvents: Sendable {
    /// How long a request waits for its rejected events to be written.
    private static let patience = Duration.milliseconds(100)
    private static let deadline = Duration.seconds(5)
    /// Between two groups while there is much: the log comes first.
    private static let interval = Duration.milliseconds(100)
    private static let maximumWaitingBytes = 16 << 20
    private static let maximumWaitingEventsPerClient = 2500
    /// Of one request's events of people who sent too many: a flood says the same again and again.
    private static let maximumLimitedEvents = 20
    /// A client that wrote so much since the last time is looked at.
    private static let trimAfter = (events: 1000, bytes: 8 << 20)
    private static let maximumTrackedClients = 10_000

    private struct Amount {
        var events = 0
        var bytes = 0
    }

    private struct State {
        var waiting: [ClientID: Amount] = [:]
        var waitingBytes = 0
        var sinceTrim: [ClientID: Amount] = [:]
    }

    let store: RejectedEventStore
    let limits: RejectionLimits
    private let world: World
    private let state = Mutex(State())
    private let gathering: Gathering<[RejectedEvent], Void>
    private let counters: Counters

    private struct Counters {
        let rejected: Counter
        let unkept: @Sendable (String) -> Counter
        let forgotten: @Sendable (String) -> Counter

        init(_ metrics: Metrics) {
            rejected = metrics.counter(
                "grapevine_event_rejected_total",
                help: "Events that were not taken, conflicts among them.")
            unkept = { reason in
                metrics.counter(
                    "grapevine_event_rejected_unkept_total",
                    help: "Rejected events that were not written down.", [("reason", reason)])
            }
            forgotten = { reason in
                metrics.counter(
                    "grapevine_event_rejected_forgotten_total",
                    help: "Rejected events that had to go, by why.", [("reason", reason)])
            }
        }
    }

    init(store: RejectedEventStore, limits: RejectionLimits, world: World) {
        self.store = store
        self.limits = limits
        self.world = world
        counters = Counters(world.telemetry.metrics)
        let deadline = Self.deadline
        gathering = Gathering(
            limit: 32, interval: Self.interval,
            isEverybodys: { error in
                guard let code = (error as? PostgresError)?.code else { return false }
                return [.unavailable, .poolTimeout, .deadlineExceeded, .queryCanceled, .closed]
                    .contains(code)
            },
            work: { groups in
                try await withPostgresDeadline(.now + deadline) {
                    try await store.insert(groups.flatMap(\.self))
                }
                return groups.map { _ in () }
            })
    }

    /// The next id of a rejected event.
    func nextID() -> RejectionID { world.ids.next() }

    /// Writes down what was rejected; returns when that is done, given up or takes too long.
    func keep(_ events: [RejectedEvent]) async {
        counters.rejected.increment(by: events.count)
        let admitted = admit(events)
        if admitted.count < events.count {
            counters.unkept("queue").increment(by: events.count - admitted.count)
        }
        guard !admitted.isEmpty else { return }
        let done = WakeSignal()
        let seen = done.raises
        // On its own: the sender may leave, and its answer does not wait for ever.
        Task { [self] in
            await write(admitted)
            done.raise()
        }
        await done.wait(past: seen, within: Self.patience)
    }

    private func admit(_ events: [RejectedEvent]) -> [RejectedEvent] {
        state.withLock { state in
            var admitted: [RejectedEvent] = []
            var limited = 0
            for event in events {
                let bytes = event.keptBytes
                if event.reason.code == EventPace.rejectionCode {
                    limited += 1
                    guard limited <= Self.maximumLimitedEvents else { continue }
                }
                guard state.waitingBytes + bytes <= Self.maximumWaitingBytes,
                    state.waiting[event.clientID]?.events ?? 0
                        < Self.maximumWaitingEventsPerClient
                else { continue }
                state.waiting[event.clientID, default: Amount()].events += 1
                state.waitingBytes += bytes
                admitted.append(event)
            }
            return admitted
        }
    }

    private func write(_ events: [RejectedEvent]) async {
        do {
            try await gathering(events)
        } catch {
            counters.unkept("database").increment(by: events.count)
            world.telemetry.logger.warning(
                "rejected events could not be kept",
                [("events", .integer(events.count)), ("error", .text("\(error)"))])
            release(events)
            return
        }
        for client in release(events) { try? await trim(client) }
    }

    /// Takes events off what waits. Returns clients that have written much since the last look.
    @discardableResult
    private func release(_ events: [RejectedEvent]) -> [ClientID] {
        state.withLock { state in
            var due: Set<ClientID> = []
            if state.sinceTrim.count >= Self.maximumTrackedClients { state.sinceTrim = [:] }
            for event in events {
                let client = event.clientID
                state.waitingBytes -= event.keptBytes
                state.waiting[client]?.events -= 1
                if state.waiting[client]?.events == 0 { state.waiting[client] = nil }
                var amount = state.sinceTrim[client] ?? Amount()
                amount.events += 1
                amount.bytes += event.keptBytes
                if amount.events >= Self.trimAfter.events || amount.bytes >= Self.trimAfter.bytes {
                    due.insert(client)
                    amount = Amount()
                }
                state.sinceTrim[client] = amount
            }
            return Array(due)
        }
    }

    private func trim(_ client: ClientID) async throws {
        let deleted = try await store.trim(client, to: limits)
        if deleted > 0 { counters.forgotten("room").increment(by: deleted) }
    }

    /// Deletes what is too old and what is too much. Once in a while.
    func tidy() async throws {
        let old = world.clock.now() - limits.age
        while true {
            let deleted = try await store.delete(before: old, limit: 1000)
            counters.forgotten("age").increment(by: deleted)
            if deleted < 1000 { break }
        }
        for client in try await store.crowded(limits, limit: 1000) { try await trim(client) }
    }
}
