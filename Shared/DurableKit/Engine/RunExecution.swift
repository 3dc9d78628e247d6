import Kernel
import Synchronization

/// Why a run leaves memory before its end.
enum Interruption: Sendable {
    /// Asleep; to be taken up at this instant of the system clock.
    case suspended(until: Timestamp)
    /// The process stops; another one takes over.
    case draining
    /// Ended by somebody, or owned by another process now.
    case lost
    /// Its code and its record contradict each other.
    case attention(RunFailure)
}

/// One ownership of a run in memory: what is recorded, what it does right now, and whether it must
/// stop.
final class RunExecution: Sendable {
    private struct State {
        var memory = Memory()
        var requested: Set<String> = []
        /// Step bodies and writes under way.
        var busy = 0
        /// What sleeping branches wait for, by step name.
        var waits: [String: Timestamp] = [:]
        var lastActivity = ContinuousClock.now
        var interruption: Interruption?
        var calledLate = false
        var task: Task<Void, Never>?

        /// Nothing of the run needs a slot.
        var parked: Bool { busy == 0 && !waits.isEmpty }
    }

    let run: ClaimedRun
    private let state = Mutex(State())
    /// Told whenever the run begins or stops to occupy a slot.
    private let parkedChanged: @Sendable (Bool) -> Void

    init(_ run: ClaimedRun, parkedChanged: @escaping @Sendable (Bool) -> Void) {
        self.run = run
        self.parkedChanged = parkedChanged
    }

    var interruption: Interruption? { state.withLock { $0.interruption } }

    /// The task that runs the workflow; cancelled at once when the run must already stop.
    func attach(_ task: Task<Void, Never>) {
        let late = state.withLock { state in
            state.task = task
            return state.interruption != nil
        }
        if late { task.cancel() }
    }

    /// What the store knows; before the workflow begins.
    func remember(_ memory: Memory) {
        state.withLock { $0.memory = memory }
    }

    /// Recorded steps that the code did not ask for.
    var forgottenSteps: [String] {
        state.withLock { state in
            state.memory.steps.keys.filter { !state.requested.contains($0) }.sorted()
        }
    }

    // MARK: - Steps

    /// Registers a step; its record when it has one. Throws when the run must stop, and makes it
    /// stop when the name was asked for before or is recorded as something else.
    func request(_ name: String, type: String) throws(WorkflowInterrupted) -> RecordedStep? {
        let (violation, recorded) = state.withLock { state -> (RunFailure?, RecordedStep?) in
            guard state.interruption == nil else {
                state.calledLate = true
                return (nil, nil)
            }
            state.lastActivity = .now
            guard state.requested.insert(name).inserted else {
                return (.repeatedStep(name), nil)
            }
            let recorded = state.memory.steps[name]
            if let recorded, recorded.type != type {
                return (.changedStep(name, recorded: recorded.type, requested: type), nil)
            }
            return (nil, recorded)
        }
        if let violation { throw fail(violation) }
        try checkInterruption()
        return recorded
    }

    /// How the step failed before this process took the run up.
    func attempts(of name: String) -> RecordedAttempts? {
        state.withLock { $0.memory.attempts[name] }
    }

    /// Stops the run for an operator to look at; the error to throw in the workflow.
    func fail(_ failure: RunFailure) -> WorkflowInterrupted {
        interrupt(.attention(failure))
        return WorkflowInterrupted()
    }

    func checkInterruption() throws(WorkflowInterrupted) {
        if interruption != nil { throw WorkflowInterrupted() }
    }

    /// Marks the begin of a body or a write.
    func begin() throws(WorkflowInterrupted) {
        try checkInterruption()
        update { $0.busy += 1 }
    }

    /// Marks its end.
    func end() {
        update { $0.busy -= 1 }
        let task = state.withLock { state -> Task<Void, Never>? in
            // A draining run stops between steps, so that no finished body is done twice.
            guard state.busy == 0, case .draining? = state.interruption else { return nil }
            return state.task
        }
        task?.cancel()
    }

    private func update(_ change: (inout State) -> Void) {
        let (before, after) = state.withLock { state in
            let before = state.parked
            change(&state)
            state.lastActivity = .now
            return (before, state.parked)
        }
        if before != after { parkedChanged(after) }
    }

    // MARK: - Waiting

    /// Waits in memory until `due` of the clock; when everything in the run waits and the nearest
    /// due time is at least `threshold` away, the run leaves memory instead. Throws
    /// `WorkflowInterrupted` when the run must stop, `CancellationError` when the workflow
    /// cancelled this branch.
    func wait(
        _ name: String, until due: Timestamp, clock: any TimeSource, timing: WaitTiming
    ) async throws {
        try checkInterruption()
        update { $0.waits[name] = due }
        defer { update { $0.waits[name] = nil } }
        while true {
            let remaining = due - clock.now()
            if remaining <= .zero { break }
            let isLong = remaining >= timing.threshold
            do {
                try await Task.sleep(for: isLong ? min(remaining, timing.quiet) : remaining)
            } catch {
                try checkInterruption()
                throw error
            }
            if isLong { suspendIfQuiet(now: clock.now(), timing: timing) }
            try checkInterruption()
        }
        try checkInterruption()
    }

    /// Branches that are between two steps cannot be seen, so the run must have been still for a
    /// while.
    private func suspendIfQuiet(now: Timestamp, timing: WaitTiming) {
        let until = state.withLock { state -> Timestamp? in
            guard state.busy == 0, let nearest = state.waits.values.min(),
                nearest - now >= timing.threshold,
                ContinuousClock.now - state.lastActivity >= timing.quiet / 2
            else { return nil }
            return nearest
        }
        if let until { interrupt(.suspended(until: until)) }
    }

    /// A branch asked for a step after the run was put to sleep: it was neither in a step nor
    /// waiting, so the run must come back soon instead of at the others' due time.
    var calledLate: Bool { state.withLock { $0.calledLate } }

    // MARK: - Stopping

    /// Makes the run stop; the first reason stays, except that a lost run has nothing more to say.
    func interrupt(_ reason: Interruption) {
        let task = state.withLock { state -> Task<Void, Never>? in
            switch (state.interruption, reason) {
            case (nil, _), (_, .lost): state.interruption = reason
            default: return nil
            }
            if case .draining = reason, state.busy > 0 { return nil }
            return state.task
        }
        task?.cancel()
    }

    /// Cancels whatever still runs.
    func cancel() {
        state.withLock { $0.task }?.cancel()
    }
}

/// When a wait is worth leaving memory for.
struct WaitTiming: Sendable {
    let threshold: Duration
    let quiet: Duration
}

extension RunFailure {
    fileprivate static func repeatedStep(_ name: String) -> RunFailure {
        RunFailure(
            code: "step_repeated",
            detail: "The step '\(name)' was asked for twice; name the occurrence in loops.")
    }

    fileprivate static func changedStep(
        _ name: String, recorded: String, requested: String
    ) -> RunFailure {
        RunFailure(
            code: "step_changed",
            detail: "The step '\(name)' is recorded as \(recorded), the code asks for \(requested)."
        )
    }
}
