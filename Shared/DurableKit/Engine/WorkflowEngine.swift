package import Kernel
package import PostgresKit
import Synchronization

/// Runs durable workflows of this process, together with the engines of other processes on the same
/// database.
///
/// What it promises:
/// - A run that was started is never lost, and one key has one run.
/// - A step's result is durable before the workflow goes on, and never changes. A body may run more
///   than once (with the same idempotency key); a transaction step commits once.
/// - A run has one owner; whoever lost it cannot write any more.
/// - Every run comes to an end or to `attention`; sleeps are never short.
package final class WorkflowEngine: Sendable {
    struct State {
        var workflows: [String: RegisteredWorkflow] = [:]
        var work: Task<Void, Never>?
        var loops: Task<Void, Never>?
        var isStopping = false
    }

    let postgres: PostgresClient
    let world: World
    let configuration: EngineConfiguration
    let hook: FinishHook?
    let lease: Lease
    let signal: Signal
    let residents: Residents
    let taken: TakenRuns
    let services: RunServices
    let persistence: Persistence
    let finishes: GroupWriter<FinishWrite, Void>
    let suspensions: GroupWriter<SuspendWrite, Void>
    let starts: GroupWriter<StartWrite, StartResult>
    let starter: StartWriter
    let state = Mutex(State())

    var meters: Meters { services.meters }
    var logger: Logger { world.telemetry.logger }

    /// - Parameter onFinish: runs in the transaction that ends runs, with all runs of that commit;
    ///   use only the transaction. A failure holds the end of the run back, and after a few times
    ///   sets the run aside.
    package init(
        postgres: PostgresClient, world: World,
        configuration: EngineConfiguration = EngineConfiguration(), onFinish: FinishHook? = nil
    ) {
        let (lease, signal, timeouts) = (Lease(), Signal(), AttemptTimeouts())
        let taken = TakenRuns()
        let meters = Meters(world.telemetry.metrics)
        let points = CrashPoints(prefix: configuration.crashPointPrefix)
        let residents = Residents(
            slots: configuration.slots, limit: configuration.residentLimit, gauge: meters.resident
        ) { signal.send(.work) }
        let persistence = Persistence(
            lease: lease, meters: meters, logger: world.telemetry.logger)
        let steps = StepWriter(
            postgres: postgres, clock: world.clock, faults: world.faults,
            point: points.stepBeforeCommit, persistence: persistence
        ) { residents.interrupt($0, .lost) }
        let attempts = AttemptWriter(postgres: postgres, persistence: persistence)
        let finish = FinishWriter(
            postgres: postgres, clock: world.clock, faults: world.faults, points: points,
            persistence: persistence, hook: onFinish, logger: world.telemetry.logger)
        services = RunServices(
            postgres: postgres, clock: world.clock, faults: world.faults, points: points,
            lease: lease, timeouts: timeouts,
            timing: WaitTiming(
                threshold: configuration.sleepThreshold, quiet: configuration.quietPeriod),
            classify: configuration.classify, meters: meters,
            tracer: world.telemetry.tracer,
            steps: GroupWriter(pause: { residents.isBusy ? .milliseconds(5) : .zero }) {
                await steps.flush($0)
            },
            attempts: GroupWriter { await attempts.flush($0) })
        finishes = GroupWriter(pause: { residents.isBusy ? .milliseconds(15) : .zero }) {
            await finish.flush($0)
        }
        suspensions = GroupWriter { writes in
            await byEpoch(writes, epoch: \.run.epoch) { writes, epoch in
                try await persistence.insist("suspend", epoch: epoch) {
                    try await QueueStore.suspend(writes, epoch: epoch, on: postgres)
                }
                return writes.map { _ in .success(()) }
            }
        }
        let starter = StartWriter(
            postgres: postgres, clock: world.clock, lease: lease, residents: residents,
            taken: taken)
        starts = GroupWriter { await starter.flush($0) }
        self.starter = starter
        self.taken = taken
        self.postgres = postgres
        self.world = world
        self.configuration = configuration
        self.hook = onFinish
        self.lease = lease
        self.signal = signal
        self.residents = residents
        self.persistence = persistence
    }

    /// Makes the process able to run these workflows. Before `run()`; a name registered twice is a
    /// programming error.
    package func register<Definition: Workflow>(_ workflow: Definition) {
        let registered = RegisteredWorkflow(workflow)
        let known = state.withLock { state in
            state.workflows.updateValue(registered, forKey: Definition.name) != nil
        }
        precondition(!known, "The workflow \(Definition.name) is registered twice.")
    }
}

/// A workflow without its types.
struct RegisteredWorkflow: Sendable {
    let version: Int
    let run: @Sendable (WorkflowContext, [UInt8]) async throws -> [UInt8]

    init<Definition: Workflow>(_ workflow: Definition) {
        version = Definition.version
        run = { context, bytes in
            let input: Definition.Input
            do {
                input = try Payload.decode(bytes)
            } catch {
                throw context.execution.fail(
                    RunFailure(
                        code: "input_unreadable",
                        detail: "The input is no \(Definition.Input.self) any more."))
            }
            return try Self.encode(try await workflow.run(context, input))
        }
    }

    private static func encode(_ output: some Encodable) throws(PermanentFailure) -> [UInt8] {
        do {
            return try Payload.encode(output)
        } catch {
            throw PermanentFailure(
                code: "output_\(error.code.rawValue)", detail: "The output cannot be kept.")
        }
    }
}
