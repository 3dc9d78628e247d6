package import Kernel

/// A run's way to the world. Every effect goes through it; use it from any task of the run, also
/// from several at once (`async let`, task groups).
package struct WorkflowContext: Sendable {
    let execution: RunExecution
    let services: RunServices

    /// The run's own id, the same at every replay.
    package var runID: RunID { execution.run.runID }
    /// The client that the run belongs to; nil for the platform.
    package var clientID: ClientID? { execution.run.clientID }
    /// The name in the run's `WorkflowKey`.
    package var key: String { execution.run.key }
    /// The version of the workflow that the run was started with; branch on it after a change.
    package var version: Int { execution.run.version }
    /// The business time of the start, the same at every replay.
    package var startedAt: Timestamp { execution.run.businessStartedAt }
    /// The client's business clock. Different at every replay, so decide on it inside a step only.
    package var now: Timestamp { businessClock.now() }

    private var businessClock: BusinessClock {
        BusinessClock(base: services.clock, offset: execution.run.clockOffset)
    }

    /// Does something once, as far as its callee can tell by the idempotency key, and records what
    /// it returned; at a replay returns the record without running the body.
    ///
    /// - Parameters:
    ///   - name: unique in the run, stable across versions of the code, without a colon.
    ///   - occurrence: tells passes of a loop apart; something of the data (an id), not an index.
    ///     With the name at most 200 bytes of visible ASCII.
    ///   - body: runs at least once. Throw `PermanentFailure` to give up, anything else to retry.
    ///
    /// Throws `StepFailure` at the end of the retries, `WorkflowInterrupted` when the run must
    /// stop.
    @discardableResult
    package func step<Value: Codable & Sendable>(
        _ name: String, occurrence: String? = nil, retry: RetryPolicy = .default,
        _ body: @escaping @Sendable (StepAttempt) async throws -> Value
    ) async throws -> Value {
        try await Step(
            context: self, name: name, occurrence: occurrence, kind: .effect, retry: retry
        ) { step, attempt in
            let value = try await services.timeouts.run(limit: retry.attemptTimeout) {
                try await body(attempt)
            }
            try services.reach(services.points.stepAfterBody, execution.run.epoch)
            return try await step.record(value)
        }.run()
    }

    /// A step without a result.
    package func step(
        _ name: String, occurrence: String? = nil, retry: RetryPolicy = .default,
        _ body: @escaping @Sendable (StepAttempt) async throws -> Void
    ) async throws {
        let _: NoValue = try await step(name, occurrence: occurrence, retry: retry) { attempt in
            try await body(attempt)
            return NoValue()
        }
    }

    /// Waits for a time of the business clock to pass. See `sleep(_:until:)`.
    package func sleep(
        _ name: String, occurrence: String? = nil, for duration: Duration
    ) async throws {
        try await sleep(name, occurrence: occurrence) { $0 + duration }
    }

    /// Waits until the client's business clock shows `due`; never shorter. The due time is
    /// recorded, so restarts do not prolong it. Long waits cost no memory.
    package func sleep(
        _ name: String, occurrence: String? = nil, until due: Timestamp
    ) async throws {
        try await sleep(name, occurrence: occurrence) { _ in due }
    }

    private func sleep(
        _ name: String, occurrence: String?, due: @escaping @Sendable (Timestamp) -> Timestamp
    ) async throws {
        let business: Int64 = try await Step(
            context: self, name: name, occurrence: occurrence, kind: .sleep, retry: .default
        ) { step, _ in
            try await step.record(due(now).microseconds)
        }.run()
        // The record exists only once the step is named soundly.
        let full = StepName(name, occurrence: occurrence)?.text ?? name
        let due = Timestamp(microseconds: business) - execution.run.clockOffset
        try await execution.wait(
            full, until: due, clock: services.clock, timing: services.timing)
    }
}
