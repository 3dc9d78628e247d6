import Kernel
import Synchronization

/// The runs in the memory of this process, and how many more fit.
final class Residents: Sendable {
    private struct State {
        var executions: [Ownership: RunExecution] = [:]
        /// Runs that only wait and so need no slot.
        var parked = 0
        /// More runs are waiting than fitted the last time.
        var backlog = false
    }

    private let state = Mutex(State())
    private let slots: Int
    private let limit: Int
    private let gauge: Gauge
    private let roomAgain: @Sendable () -> Void

    /// At most `slots` runs that do something and `limit` in all; `roomAgain` is told when a run
    /// makes room while others wait.
    init(slots: Int, limit: Int, gauge: Gauge, roomAgain: @escaping @Sendable () -> Void) {
        self.slots = slots
        self.limit = limit
        self.gauge = gauge
        self.roomAgain = roomAgain
    }

    /// Whether so much goes on that gathering writes pays.
    var isBusy: Bool { state.withLock { $0.executions.count - $0.parked >= 4 } }
    var count: Int { state.withLock { $0.executions.count } }
    var ownerships: [Ownership] { state.withLock { Array($0.executions.keys) } }

    /// How many runs may be claimed now.
    var free: Int {
        state.withLock { state in
            let busy = state.executions.count - state.parked
            return max(0, min(slots - busy, limit - state.executions.count))
        }
    }

    /// Whether runs wait for room.
    var hasBacklog: Bool { state.withLock { $0.backlog } }

    func noteBacklog(_ backlog: Bool) {
        state.withLock { $0.backlog = backlog }
    }

    func add(_ execution: RunExecution) {
        let count = state.withLock { state in
            state.executions[execution.run.ownership] = execution
            return state.executions.count
        }
        gauge.set(count)
    }

    func remove(_ execution: RunExecution) {
        let (count, backlog) = state.withLock { state in
            state.executions[execution.run.ownership] = nil
            return (state.executions.count, state.backlog)
        }
        gauge.set(count)
        if backlog { roomAgain() }
    }

    func parkedChanged(_ parked: Bool) {
        let backlog = state.withLock { state in
            state.parked += parked ? 1 : -1
            return state.backlog
        }
        if parked, backlog { roomAgain() }
    }

    // MARK: - Stopping

    func interruptAll(_ reason: Interruption) {
        for execution in all { execution.interrupt(reason) }
    }

    func interrupt(_ ownerships: [Ownership], _ reason: Interruption) {
        let chosen = state.withLock { state in ownerships.compactMap { state.executions[$0] } }
        for execution in chosen { execution.interrupt(reason) }
    }

    func interrupt(_ run: RunID, _ reason: Interruption) {
        for execution in all where execution.run.runID == run { execution.interrupt(reason) }
    }

    func cancelAll() {
        for execution in all { execution.cancel() }
    }

    /// Waits until no run is left, at most so long.
    func waitUntilEmpty(within duration: Duration) async {
        let deadline = ContinuousClock.now + duration
        while count > 0, .now < deadline {
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { return }
        }
    }

    private var all: [RunExecution] { state.withLock { Array($0.executions.values) } }
}
