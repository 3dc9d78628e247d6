package import Kernel
package import PostgresKit
import Synchronization

/// One of several runs to start.
package struct StartRequest<Input: Codable & Sendable>: Sendable {
    package let id: WorkflowKey
    package let input: Input
    /// How far the client's business clock is ahead of the system clock.
    package let clockOffset: Duration
    /// The trace that the run joins; nil for the current one.
    package let trace: TraceContext?

    package init(
        id: WorkflowKey, input: Input, clockOffset: Duration = .zero, trace: TraceContext? = nil
    ) {
        self.id = id
        self.input = input
        self.clockOffset = clockOffset
        self.trace = trace
    }
}

extension WorkflowEngine {
    /// Starts a run with the caller's transaction: it exists if and only if that commits. A run
    /// that the key has already is left alone, whatever became of it.
    ///
    /// Throws `DurableError` for an input over 1 MiB or a key outside 1 to 300 bytes, and what
    /// PostgreSQL says.
    package func start<Definition: Workflow>(
        _ workflow: Definition.Type, id: WorkflowKey, input: Definition.Input,
        clockOffset: Duration = .zero, in transaction: Transaction
    ) async throws -> StartResult {
        let request = StartRequest(id: id, input: input, clockOffset: clockOffset)
        return try await start(workflow, [request], in: transaction)[0]
    }

    /// Starts many runs in one statement; the answers are in the order of the requests.
    ///
    /// While this process has room, the runs are its own from the start and go on the moment the
    /// transaction has committed; otherwise they wait for whoever has.
    package func start<Definition: Workflow>(
        _ workflow: Definition.Type, _ requests: [StartRequest<Definition.Input>],
        in transaction: Transaction
    ) async throws -> [StartResult] {
        let writes = try requests.map { try write(workflow, $0) }
        guard !writes.isEmpty else { return [] }
        let (time, epoch) = (world.clock.now(), starter.epochToTake(writes))
        let (results, ids) = try await RunStore.start(
            writes, at: time, epoch: epoch, on: transaction)
        if let epoch {
            let own = writes.filter { ids.contains($0.runID) }
            taken.add(own.map { ClaimedRun($0, at: time, epoch: epoch) })
        }
        transaction.whenOver { [self] in ended($0, results, taken: ids) }
        return results
    }

    /// Starts a run by itself; many of these share one commit. Returns when it is durable.
    package func start<Definition: Workflow>(
        _ workflow: Definition.Type, id: WorkflowKey, input: Definition.Input,
        clockOffset: Duration = .zero
    ) async throws -> StartResult {
        let request = StartRequest(id: id, input: input, clockOffset: clockOffset)
        let result = try await starts.submit(write(workflow, request))
        ended(.committed, [result], taken: [result.runID])
        return result
    }

    /// Makes the engine look for runs at once; after a commit that started some.
    package func wake() {
        signal.send(.work)
    }

    private func write<Definition: Workflow>(
        _ workflow: Definition.Type, _ request: StartRequest<Definition.Input>
    ) throws(DurableError) -> StartWrite {
        let name = request.id.name
        guard (1...300).contains(name.utf8.count), !name.utf8.contains(0) else {
            throw DurableError(.tooLarge)
        }
        let trace = request.trace ?? TraceContext.current ?? TraceContext()
        let isRunnable = state.withLock { state in
            !state.isStopping && state.work != nil
                && (state.workflows[Definition.name]?.version ?? 0) >= Definition.version
        }
        return StartWrite(
            runID: world.ids.next(), key: request.id, workflow: Definition.name,
            version: Definition.version, input: try Payload.encode(request.input),
            clockOffset: request.clockOffset, traceparent: trace.traceparent,
            isRunnable: isRunnable)
    }

    /// The transaction of a start is over. What became of it in the dark is looked up later.
    private func ended(_ end: TransactionEnd, _ results: [StartResult], taken ids: Set<RunID>) {
        switch end {
        case .committed:
            let started = results.count { if case .started = $0 { true } else { false } }
            meters.started.increment(by: started)
            let runs = taken.take(ids)
            launch(runs)
            if runs.count < started { wake() }
        case .rolledBack: _ = taken.take(ids)
        case .unknown: break
        }
    }

    /// Lets runs go that are this process's own since they were started. When its lease is over or
    /// it stops, they are handed back with all the others.
    private func launch(_ runs: [ClaimedRun]) {
        guard let first = runs.first, !state.withLock({ $0.isStopping }) else { return }
        world.faults.reach(services.points.claimAfterCommit)
        guard lease.holds(first.epoch) else { return }
        for run in runs { launch(run) }
    }

    /// Lets runs go whose transactions have committed without our hearing of it.
    func launchOverdue() async throws {
        let overdue = taken.overdue()
        guard !overdue.isEmpty else { return }
        let held = try await StepStore.held(overdue, on: postgres)
        launch(taken.take(Set(held.map(\.runID))))
    }
}
