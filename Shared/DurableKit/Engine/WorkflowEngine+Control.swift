package import Kernel
package import PostgresKit

extension WorkflowEngine {
    /// Where a run stands; nil for no such run.
    package func status(of run: RunID) async throws -> RunStatus? {
        try await StatusStore.status(of: run, on: postgres)
    }

    /// Where the run of a key stands; nil when it has none.
    package func status<Definition: Workflow>(
        of id: WorkflowKey, _ workflow: Definition.Type
    ) async throws -> RunStatus? {
        try await StatusStore.status(of: id, workflow: Definition.name, on: postgres)
    }

    /// What a run came to; nil unless it is completed. Throws when it is no `Output` of the
    /// workflow.
    package func output<Definition: Workflow>(
        of run: RunID, as workflow: Definition.Type
    ) async throws -> Definition.Output? {
        guard let bytes = try await StatusStore.output(of: run, on: postgres) else { return nil }
        return try Payload.decode(bytes)
    }

    /// The steps that a run has recorded, in that order, then those that are failing.
    package func steps(of run: RunID) async throws -> [StepStatus] {
        try await StatusStore.steps(of: run, on: postgres)
    }

    /// Runs, newest first; of one client, in one state, or all. Throws `Problem` for a cursor that
    /// is none of ours.
    package func list(
        client: ClientID? = nil, state: RunState? = nil, page: PageRequest
    ) async throws -> Page<RunStatus> {
        var before: RunID?
        if let cursor = page.cursor {
            guard let id = RunID(cursor) else {
                throw Problem.badRequest(
                    "invalid_cursor", "Use the cursor of the page before.", pointer: "?cursor")
            }
            before = id
        }
        let rows = try await StatusStore.list(
            client: client, state: state, before: before, limit: page.limit, on: postgres)
        return Page(rows: rows, limit: page.limit) { $0.runID.description }
    }

    /// Ends a run where it stands; false when it had ended before. A step that is under way
    /// elsewhere may still take effect, but nothing of it is recorded. The finish hook sees the
    /// run.
    ///
    /// Throws `DurableError` `.unknownRun`, or `.contended` when the run kept moving.
    @discardableResult
    package func cancel(_ run: RunID) async throws -> Bool {
        for _ in 0..<10 {
            let cancellation = try await postgres.withTransaction { transaction in
                let cancellation = try await OutcomeStore.cancel(
                    run, at: world.clock.now(), in: transaction)
                if case .cancelled(let finished) = cancellation {
                    try await hook?([finished], transaction)
                }
                return cancellation
            }
            switch cancellation {
            case .cancelled:
                residents.interrupt(run, .lost)
                meters.finished(.cancelled)
                return true
            case .endedBefore: return false
            case .unknownRun: throw DurableError(.unknownRun)
            case .moved: try await Task.sleep(for: .milliseconds(10))
            }
        }
        throw DurableError(.contended)
    }

    /// Lets a failed run, or one in need of attention, go on: what it recorded stays, its failed
    /// steps are tried anew. Throws `DurableError` `.wrongState` for any other run.
    package func retry(_ run: RunID) async throws {
        try await postgres.withTransaction { try await retry(run, in: $0) }
        wake()
    }

    /// Like the other, with the caller's transaction; `wake()` after its commit saves a moment.
    package func retry(_ run: RunID, in transaction: Transaction) async throws {
        guard try await OutcomeStore.retry(run, in: transaction) else {
            throw DurableError(.wrongState)
        }
    }

    /// Moves the business clock of a client's open runs, with the caller's transaction: what sleeps
    /// wakes when the moved clock says so. Runs that are in memory follow when they next leave it.
    package func setClockOffset(
        _ offset: Duration, client: ClientID, in transaction: Transaction
    ) async throws {
        try await QueueStore.setClockOffset(offset, client: client, in: transaction)
    }
}
