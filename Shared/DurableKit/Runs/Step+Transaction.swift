import Kernel
package import PostgresKit

extension WorkflowContext {
    /// Changes the engine's own database exactly once: the body's statements and the step's record
    /// commit together.
    ///
    /// The body may run several times but commits once; let it do nothing outside the transaction.
    /// While it lasts (5 s between statements at most) nobody can take the run over.
    @discardableResult
    package func transactionStep<Value: Codable & Sendable>(
        _ name: String, occurrence: String? = nil, retry: RetryPolicy = .default,
        _ body: @escaping @Sendable (Transaction) async throws -> Value
    ) async throws -> Value {
        try await Step(
            context: self, name: name, occurrence: occurrence, kind: .transaction, retry: retry
        ) { step, _ in
            try await services.timeouts.run(limit: retry.attemptTimeout) {
                try await step.recordInTransaction(body)
            }
        }.run()
    }

    /// A transaction step without a result.
    package func transactionStep(
        _ name: String, occurrence: String? = nil, retry: RetryPolicy = .default,
        _ body: @escaping @Sendable (Transaction) async throws -> Void
    ) async throws {
        let _: NoValue = try await transactionStep(name, occurrence: occurrence, retry: retry) {
            try await body($0)
            return NoValue()
        }
    }
}

/// Thrown inside a transaction whose step is recorded already, to take the second effect back.
private struct AlreadyRecorded: Error {}

extension Step {
    fileprivate func recordInTransaction(
        _ body: @escaping @Sendable (Transaction) async throws -> Value
    ) async throws -> Value {
        do {
            let (value, bytes) = try await services.postgres.withTransaction { transaction in
                try await StepStore.lock(ownership, in: transaction)
                let value = try await body(transaction)
                let bytes = try encode(value)
                let step = RecordedStep(name: text, type: type, result: .value(bytes))
                guard
                    try await StepStore.insert(
                        step, of: context.runID, at: services.clock.now(), in: transaction)
                else { throw AlreadyRecorded() }
                try services.reach(services.points.stepBeforeCommit, ownership.epoch)
                return (value, bytes)
            }
            services.meters.steps.increment()
            return try canonical(value, bytes)
        } catch is AlreadyRecorded {
            // An earlier attempt was committed although its answer was lost.
            guard
                let recorded = try await StepStore.step(
                    text, of: context.runID, on: services.postgres)
            else { throw OwnershipLost() }
            return try read(recorded)
        }
    }
}
