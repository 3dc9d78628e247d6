import Kernel
import PostgresKit
import Synchronization

/// What subscribers tell of how far they are, written down together about once a second.
///
/// What is not yet written is told again by the subscriber's next question, to whichever replica;
/// retention keeps what it waits for a little longer, never shorter.
final class Acknowledgements: Sendable {
    private struct Key: Hashable {
        let subscriber: String
        let shard: Int
    }

    private struct State {
        var written: [Key: Int] = [:]
        var waiting: [Key: Int] = [:]
    }

    private static let maximumEntries = 10_000
    private static let writeInterval = Duration.seconds(1)
    private static let shutdownLimit = Duration.seconds(2)

    private let store: FeedStore
    private let world: World
    private let state = Mutex(State())
    private let told = WakeSignal()
    private let failures: Counter

    init(store: FeedStore, world: World) {
        self.store = store
        self.world = world
        failures = world.telemetry.metrics.counter(
            "grapevine_event_acknowledgement_failures_total",
            help: "Acknowledgements that could not be written at once and are written later.")
    }

    /// Takes what a subscriber tells. One that is new to this process is written down before it
    /// is answered, so that retention waits for it from its first question on.
    func tell(_ position: Int, of shard: Int, by subscriber: String) async throws(PostgresError) {
        let key = Key(subscriber: subscriber, shard: shard)
        let (isNew, isNews) = state.withLock { state -> (Bool, Bool) in
            guard let written = state.written[key] else { return (true, true) }
            guard position > max(written, state.waiting[key] ?? 0) else { return (false, false) }
            state.waiting[key] = position
            return (false, true)
        }
        if isNew {
            let first = Acknowledgement(subscriber: subscriber, shard: shard, position: position)
            try await store.acknowledge([first], at: world.clock.now())
            remember([first])
        } else if isNews {
            told.raise()
        }
    }

    /// Writes what was told and is not written yet. Nothing is forgotten when that fails.
    func write() async throws(PostgresError) {
        let waiting = state.withLock { state in
            state.waiting.map {
                Acknowledgement(subscriber: $0.subscriber, shard: $0.shard, position: $1)
            }
        }
        guard !waiting.isEmpty else { return }
        do throws(PostgresError) {
            try await store.acknowledge(waiting, at: world.clock.now())
        } catch {
            failures.increment()
            throw error
        }
        remember(waiting)
    }

    /// Writes once a second while there is something to write, until the task is cancelled; then
    /// once more.
    func run() async {
        while !Task.isCancelled {
            let seen = told.raises
            let isWritten: Void? = try? await write()
            try? await Task.sleep(for: Self.writeInterval)
            if isWritten != nil { await told.wait(past: seen, within: .seconds(60)) }
        }
        // Its own task: this one is cancelled.
        await Task {
            try? await withPostgresDeadline(.now + Self.shutdownLimit) { try await write() }
        }.value
    }

    private func remember(_ acknowledgements: [Acknowledgement]) {
        state.withLock { state in
            if state.written.count >= Self.maximumEntries {
                // Who is not remembered is written down anew at its next question.
                state.written = [:]
                state.waiting = [:]
            }
            for one in acknowledgements {
                let key = Key(subscriber: one.subscriber, shard: one.shard)
                state.written[key] = max(state.written[key] ?? 0, one.position)
                if let waiting = state.waiting[key], waiting <= one.position {
                    state.waiting[key] = nil
                }
            }
        }
    }
}
