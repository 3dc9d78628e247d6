package import Kernel
import Synchronization

/// Remembers which crash points the code passed, and does what a test asks at one of them.
package final class RecordingFaults: FaultInjector {
    private struct Plan: Sendable {
        let occurrence: Int
        let action: @Sendable () -> Void
    }

    private struct State: Sendable {
        var counts: [CrashPoint: Int] = [:]
        var plans: [CrashPoint: [Plan]] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Runs `action` on the thread that reaches the point for the `occurrence`th time from now on
    /// (kill a backend, cancel a task, wait for another). The code goes on when it returns.
    package func at(
        _ point: CrashPoint, occurrence: Int = 1, do action: @escaping @Sendable () -> Void
    ) {
        state.withLock { state in
            let passed = state.counts[point, default: 0]
            state.plans[point, default: []].append(
                Plan(occurrence: passed + occurrence, action: action))
        }
    }

    package func reach(_ point: CrashPoint) {
        let actions = state.withLock { state in
            state.counts[point, default: 0] += 1
            let count = state.counts[point, default: 0]
            return state.plans[point, default: []].filter { $0.occurrence == count }.map(\.action)
        }
        for action in actions { action() }
    }

    /// How often a point was reached.
    package func count(of point: CrashPoint) -> Int {
        state.withLock { $0.counts[point, default: 0] }
    }

    /// Every point that was reached.
    package var reached: Set<CrashPoint> {
        state.withLock { Set($0.counts.keys) }
    }
}
