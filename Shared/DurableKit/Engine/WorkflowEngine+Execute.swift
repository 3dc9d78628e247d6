import Kernel
import Synchronization

extension WorkflowEngine {
    /// Puts a claimed run into memory and lets it go.
    func launch(_ run: ClaimedRun) {
        let residents = residents
        let execution = RunExecution(run) { residents.parkedChanged($0) }
        residents.add(execution)
        let task = Task.detached { [self] in
            await execute(execution)
            residents.remove(execution)
        }
        execution.attach(task)
    }

    private func execute(_ execution: RunExecution) async {
        let run = execution.run
        guard run.crashes < configuration.crashLimit else {
            let failure = RunFailure(
                code: "crash_loop", detail: "Its worker died \(run.crashes) times under this run.")
            return await finish(run, .attention, failure: failure)
        }
        guard let workflow = state.withLock({ $0.workflows[run.workflow] }) else { return }
        let outcome: Result<[UInt8], any Error>
        do {
            if run.execution > 1 {
                execution.remember(
                    try await persistence.insist("memory", epoch: run.epoch) {
                        try await StepStore.memory(of: run.runID, on: postgres)
                    })
            }
            let context = WorkflowContext(execution: execution, services: services)
            outcome = await traced(execution) { () async throws -> [UInt8] in
                try await workflow.run(context, run.input)
            }
        } catch {
            outcome = .failure(error)
        }
        await conclude(execution, outcome)
    }

    /// Runs `body` in the trace of what started the run. Each execution leaves a span; one that was
    /// interrupted has not failed.
    private func traced(
        _ execution: RunExecution, _ body: () async throws -> [UInt8]
    ) async -> Result<[UInt8], any Error> {
        let run = execution.run
        let cause = TraceContext(traceparent: run.traceparent)
        let span = services.tracer.begin("run \(run.workflow)", .internal, below: cause)
        var failure: String?
        let outcome: Result<[UInt8], any Error>
        do {
            outcome = .success(
                try await TraceContext.$current.withValue(span?.context ?? cause) {
                    try await body()
                })
        } catch {
            if execution.interruption == nil { failure = Tracer.label(error) }
            outcome = .failure(error)
        }
        span?.end(
            [
                ("grapevine.run_id", .text(run.runID.description)),
                ("grapevine.run.execution", .integer(Int(run.execution))),
                ("grapevine.run.interrupted", .text("\(execution.interruption != nil)")),
            ], failure: failure)
        return outcome
    }

    /// An interruption decides, whatever the workflow made of it.
    private func conclude(
        _ execution: RunExecution, _ outcome: Result<[UInt8], any Error>
    ) async {
        let run = execution.run
        switch (execution.interruption, outcome) {
        case (.suspended(let until)?, _):
            let due = execution.calledLate ? min(until, world.clock.now() + .seconds(5)) : until
            try? await suspensions.submit(SuspendWrite(run: run, until: due))
        case (.draining?, _), (.lost?, _): break
        case (.attention(let failure)?, _): await finish(run, .attention, failure: failure)
        case (nil, .success(let output)):
            reportForgotten(execution)
            await finish(run, .completed, output: output)
        case (nil, .failure(let error)): await finish(run, .failed, failure: failure(of: error))
        }
    }

    /// An ownership that is lost on the way is somebody else's to finish.
    private func finish(
        _ run: ClaimedRun, _ state: RunState, output: [UInt8] = [], failure: RunFailure? = nil
    ) async {
        if let failure {
            logger.error(
                "A durable run ended without a result",
                [
                    ("run_id", .text(run.runID.description)), ("state", .text(state.rawValue)),
                    ("workflow", .text(run.workflow)), ("code", .text(failure.code)),
                ])
        }
        let write = FinishWrite(run: run, state: state, output: output, failure: failure)
        try? await finishes.submit(write)
    }

    private func failure(of error: any Error) -> RunFailure {
        switch error {
        case let error as StepFailure: return error.failure
        case is CancellationError, is WorkflowInterrupted:
            return RunFailure(code: "cancelled_itself", detail: "The workflow cancelled itself.")
        default:
            switch FailureClass.standard(error) {
            case .permanent(let failure), .transient(let failure, _): return failure
            }
        }
    }

    /// Records that the code no longer asks for: the code has changed under the run.
    private func reportForgotten(_ execution: RunExecution) {
        let forgotten = execution.forgottenSteps
        guard !forgotten.isEmpty else { return }
        logger.warning(
            "A durable run ended without asking for steps that it has recorded",
            [
                ("run_id", .text(execution.run.runID.description)),
                ("workflow", .text(execution.run.workflow)),
                ("steps", .text(forgotten.prefix(10).joined(separator: ","))),
            ])
    }
}
