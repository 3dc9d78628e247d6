import Kernel
import ServiceKit
import Synchronization

/// Makes the tables of event ids ahead of time and drops spent ones.
final class GenerationRotation: Sendable {
    private let store: RetentionStore
    private let world: World
    private let isPrepared = Mutex(false)

    init(store: RetentionStore, world: World) {
        self.store = store
        self.world = world
    }

    /// Rotates at once and then every hour, until cancelled. Throws when the database refuses, to
    /// be started again.
    func run() async throws {
        while true {
            try await store.rotateGenerations(at: world.clock.now())
            isPrepared.withLock { $0 = true }
            try await Task.sleep(for: .seconds(3600))
        }
    }

    /// Not ready until the tables are known to be there.
    var readiness: ReadinessCheck {
        ReadinessCheck("generations") {
            self.isPrepared.withLock { $0 }
                ? .ready : .notReady("The tables of event ids are not prepared yet.")
        }
    }
}

/// Deletes segments and interactions that are no longer needed.
struct SegmentRetention: Sendable {
    let store: RetentionStore
    let acknowledgements: Acknowledgements
    let keep: Duration
    let cap: Duration
    let world: World

    func run() async throws {
        let now = world.clock.now()
        try await acknowledgements.write()
        while try await store.deleteInteractions(endedBefore: now) > 0 {}
        while true {
            let deleted = try await store.deleteSegments(
                spentBefore: now - keep, overdueBefore: now - cap)
            if deleted.overdue > 0 {
                world.telemetry.metrics.counter(
                    "grapevine_event_segments_overdue_total",
                    help: "Segments deleted although a subscriber had not passed them."
                ).increment(by: deleted.overdue)
                world.telemetry.logger.error(
                    "Segments were deleted although a subscriber had not passed them.",
                    [("segments", .integer(deleted.overdue))])
            }
            if deleted.passed + deleted.overdue == 0 { return }
        }
    }
}
