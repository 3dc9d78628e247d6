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
    package func start<Definition: Workflow>(
        _ workflow: Definition.Type, _ requests: [StartRequest<Definition.Input>],
        in transaction: Transaction
    ) async throws -> [StartResult] {
        let writes = try requests.map { try write(workflow, $0) }
        guard !writes.isEmpty else { return [] }
        let results = try await RunStore.start(writes, at: world.clock.now(), on: transaction)
        count(results)
        expectStart()
        return results
    }

    /// Starts a run by itself; many of these share one commit. Returns when it is durable.
    package func start<Definition: Workflow>(
        _ workflow: Definition.Type, id: WorkflowKey, input: Definition.Input,
        clockOffset: Duration = .zero
    ) async throws -> StartResult {
        let request = StartRequest(id: id, input: input, clockOffset: clockOffset)
        let result = try await starts.submit(write(workflow, request))
        count([result])
        wake()
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
        return StartWrite(
            runID: world.ids.next(), key: request.id, workflow: Definition.name,
            version: Definition.version, input: try Payload.encode(request.input),
            clockOffset: request.clockOffset, traceparent: trace.traceparent)
    }

    private func count(_ results: [StartResult]) {
        let started = results.count { if case .started = $0 { true } else { false } }
        meters.started.increment(by: started)
    }

    /// The caller's commit is near but not seen from here, so look a few times soon.
    private func expectStart() {
        let isFirst = state.withLock { state in
            defer { state.expectsStart = true }
            return !state.expectsStart && state.work != nil
        }
        guard isFirst else { return }
        Task.detached { [self] in
            for milliseconds in [3, 7, 15, 30, 60, 120] {
                try? await Task.sleep(for: .milliseconds(milliseconds))
                signal.send(.tick)
            }
            state.withLock { $0.expectsStart = false }
        }
    }
}
