import Kernel

/// One call of a step: looks up its record, or tries until there is one.
struct Step<Value: Codable & Sendable>: Sendable {
    /// What kind of thing a name stands for; part of what a replay must match.
    enum Kind: String, Sendable {
        case effect = "step"
        case sleep
        case transaction
    }

    typealias Body = @Sendable (Step, StepAttempt) async throws -> Value

    let context: WorkflowContext
    /// Name and occurrence, as recorded.
    let text: String
    let isNameValid: Bool
    /// The name without the occurrence: one of few.
    private let name: String
    private let kind: Kind
    /// Kind and type of the result, as recorded.
    let type: String
    let retry: RetryPolicy
    /// Does the work of one attempt and records its value.
    let body: Body

    init(
        context: WorkflowContext, name: String, occurrence: String?, kind: Kind,
        retry: RetryPolicy, body: @escaping Body
    ) {
        self.context = context
        let stepName = StepName(name, occurrence: occurrence)
        text = stepName?.text ?? name
        isNameValid = stepName != nil
        self.name = name
        self.kind = kind
        type = "\(kind.rawValue):\(Value.self)"
        self.retry = retry
        self.body = body
    }

    var execution: RunExecution { context.execution }
    var services: RunServices { context.services }

    func run() async throws -> Value {
        guard isNameValid else {
            throw execution.fail(
                RunFailure(code: "step_name_invalid", detail: "A step's name cannot be '\(text)'."))
        }
        if let recorded = try execution.request(text, type: type) { return try read(recorded) }
        var past = execution.attempts(of: text)
        while true {
            if let past {
                try await execution.wait(
                    text, until: past.nextAttemptAt, clock: services.clock,
                    timing: services.timing)
            }
            switch try await attempt(after: past) {
            case .success(let value): return value
            case .failure(let next): past = next
            }
        }
    }

    // MARK: - Attempts

    /// The value, or how things stand after a failure that may pass.
    private func attempt(
        after past: RecordedAttempts?
    ) async throws -> AttemptResult<Value, RecordedAttempts> {
        try execution.begin()
        defer { execution.end() }
        let number = (past?.failures ?? 0) + 1
        let attempt = StepAttempt(
            idempotencyKey: "\(context.runID):\(text)", number: number)
        do {
            return .success(try await traced(attempt))
        } catch let error as StepFailure {
            throw error
        } catch {
            if error is OwnershipLost { throw lost() }
            try execution.checkInterruption()
            // A branch that the workflow itself cancelled leaves no trace.
            if Task.isCancelled { throw CancellationError() }
            return try await failed(error, after: past, number: number)
        }
    }

    /// Sleeping is no work: it leaves no span.
    private func traced(_ attempt: StepAttempt) async throws -> Value {
        guard kind != .sleep else { return try await body(self, attempt) }
        return try await services.tracer.span(
            "step \(name)", .internal,
            [
                ("grapevine.run_id", .text(context.runID.description)),
                ("grapevine.step", .text(text)),
                ("grapevine.step.attempt", .integer(attempt.number)),
            ]
        ) { try await body(self, attempt) }
    }

    private func failed(
        _ error: any Error, after past: RecordedAttempts?, number: Int
    ) async throws -> AttemptResult<Value, RecordedAttempts> {
        let now = services.clock.now()
        let firstFailedAt = past?.firstFailedAt ?? now
        switch services.classify(error) {
        case .permanent(let failure): return .success(try await settle(failure))
        case .transient(let failure, let delay):
            let next = retry.nextAttempt(
                failures: number, firstFailedAt: firstFailedAt, now: now, atLeast: delay,
                random: Double.random(in: 0...1))
            guard let next else { return .success(try await settle(failure)) }
            let attempts = RecordedAttempts(
                name: text, failures: number, firstFailedAt: firstFailedAt, nextAttemptAt: next,
                failure: failure)
            services.meters.retries.increment()
            do {
                let write = AttemptWrite(ownership: ownership, attempts: attempts)
                try await services.attempts.submit(write)
            } catch {
                throw lost()
            }
            return .failure(attempts)
        }
    }

    /// Records a final failure and throws it; a value that turns out to be recorded already wins.
    private func settle(_ failure: RunFailure) async throws -> Value {
        if let adopted = try await submit(.failure(failure)) { return try read(adopted) }
        throw StepFailure(step: text, failure: failure)
    }

    // MARK: - Records

    /// What is recorded is asked for through here, under the run's ownership.
    var ownership: Ownership { execution.run.ownership }

    /// Makes the value durable; what counts from now on, which is another value only when the step
    /// was recorded before without our knowing.
    func record(_ value: Value) async throws -> Value {
        let bytes = try encode(value)
        if let adopted = try await submit(.value(bytes)) { return try read(adopted) }
        return try canonical(value, bytes)
    }

    /// The value as a replay will see it.
    func canonical(_ value: Value, _ bytes: [UInt8]) throws -> Value {
        value is any LosslessResult ? value : try decode(bytes)
    }

    /// Throws a permanent failure for a value that cannot be kept.
    func encode(_ value: Value) throws(PermanentFailure) -> [UInt8] {
        do {
            return try Payload.encode(value)
        } catch {
            throw PermanentFailure(
                code: "result_\(error.code.rawValue)",
                detail: "The result of '\(text)' cannot be kept.")
        }
    }

    private func submit(_ result: StepResult) async throws -> RecordedStep? {
        let step = RecordedStep(name: text, type: type, result: result)
        do {
            let write = StepWrite(ownership: ownership, step: step)
            return try await services.steps.submit(write)
        } catch {
            throw lost()
        }
    }

    func read(_ recorded: RecordedStep) throws -> Value {
        switch recorded.result {
        case .failure(let failure): throw StepFailure(step: text, failure: failure)
        case .value(let bytes): return try decode(bytes)
        }
    }

    private func decode(_ bytes: [UInt8]) throws(WorkflowInterrupted) -> Value {
        do {
            return try Payload.decode(bytes)
        } catch {
            throw execution.fail(
                RunFailure(
                    code: "step_result_unreadable",
                    detail: "The record of '\(text)' is no \(Value.self) any more."))
        }
    }

    private func lost() -> WorkflowInterrupted {
        execution.interrupt(.lost)
        return WorkflowInterrupted()
    }
}

/// What came of one attempt.
enum AttemptResult<Value, Next> {
    case success(Value)
    case failure(Next)
}
