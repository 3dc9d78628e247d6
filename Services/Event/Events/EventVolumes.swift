import Contracts
import Kernel
import PostgresKit
import Synchronization

/// Counts what came, by type and door, and writes the counts down every few seconds. A process
/// that is killed takes the last few seconds with it.
final class EventVolumes: Sendable {
    private static let interval = Duration.seconds(5)
    private static let kept = Duration.seconds(2 * 86_400)
    private static let shutdownLimit = Duration.seconds(2)

    let store: VolumeStore
    private let world: World
    private let book = Mutex(VolumeBook())
    private let lost: Counter

    init(store: VolumeStore, world: World) {
        self.store = store
        self.world = world
        lost = world.telemetry.metrics.counter(
            "grapevine_event_volumes_lost_total",
            help: "Events that are missing from the counts by type and key.")
    }

    /// Counts a request's events.
    func count(
        _ readings: [EventReading], _ results: [IngestResult], _ context: IngestContext
    ) {
        var counts: [String: VolumeCounts] = [:]
        // A batch has long runs of one type.
        var (type, counted) = ("", VolumeCounts())
        for (reading, result) in zip(readings, results) {
            let next = if case .event(let event) = reading { event.type } else { "" }
            if next != type {
                counts[type, default: VolumeCounts()].add(counted)
                (type, counted) = (next, VolumeCounts())
            }
            switch result {
            case .logged(_, .accepted): counted.accepted += 1
            case .logged(_, .duplicate), .logged(_, .repeated): counted.duplicate += 1
            case .logged(_, .conflict), .rejected: counted.rejected += 1
            }
        }
        counts[type, default: VolumeCounts()].add(counted)
        book.withLock { book in
            for (type, counted) in counts where counted != VolumeCounts() {
                book.count(
                    counted, type, of: context.clientID, context.door, at: context.receivedAt)
            }
        }
    }

    /// Writes down what was counted. It is put back when that fails.
    func write() async throws(PostgresError) {
        let (taken, unplaced) = book.withLock { book in
            let unplaced = book.lost
            return (book.take(), unplaced)
        }
        if unplaced > 0 { lost.increment(by: unplaced) }
        guard !taken.isEmpty else { return }
        do throws(PostgresError) {
            try await store.add(taken)
        } catch {
            if error.outcomeIsUnknown {
                // Perhaps they are written: rather too few than twice.
                lost.increment(
                    by: taken.values.reduce(0) { $0 + $1.accepted + $1.duplicate + $1.rejected })
            } else {
                book.withLock { $0.putBack(taken) }
            }
            throw error
        }
    }

    /// Writes every few seconds until the task is cancelled; then once more.
    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            try? await write()
        }
        // Its own task: this one is cancelled.
        await Task {
            try? await withPostgresDeadline(.now + Self.shutdownLimit) { try await write() }
        }.value
    }

    /// Forgets what nobody looks at any more.
    func tidy() async throws {
        let old = world.clock.now() - Self.kept
        while try await store.delete(before: old, limit: 5000) == 5000 {}
    }
}
