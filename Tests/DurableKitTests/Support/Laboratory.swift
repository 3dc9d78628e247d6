import DurableKit
import Kernel
import PostgresKit
import TestKit
import Testing

/// Engines on one database of their own.
struct Laboratory {
    let postgres: PostgresClient

    /// Creates a database with the engine's tables, drops it afterwards.
    static func use(_ body: (Laboratory) async throws -> Void) async throws {
        let server = try await TestPostgres.shared()
        try await server.withDatabase(DurableMigrations.all) { database in
            let postgres = database.client()
            do {
                try await body(Laboratory(postgres: postgres))
            } catch {
                await postgres.shutdown()
                throw error
            }
            await postgres.shutdown()
        }
    }

    /// Short leases, so that take-overs are quick.
    static var quick: EngineConfiguration {
        var configuration = EngineConfiguration()
        configuration.lease = .milliseconds(1500)
        configuration.selfFence = .milliseconds(1200)
        configuration.heartbeat = .milliseconds(200)
        configuration.pollInterval = .milliseconds(20) ... .milliseconds(40)
        return configuration
    }

    func engine(
        _ configuration: EngineConfiguration = Laboratory.quick,
        clock: any TimeSource = SystemClock(), faults: any FaultInjector = NoFaults(),
        onFinish: FinishHook? = nil,
        body: @escaping @Sendable (WorkflowContext, String) async throws -> String
    ) -> WorkflowEngine {
        let engine = WorkflowEngine(
            postgres: postgres, world: World(clock: clock, faults: faults),
            configuration: configuration, onFinish: onFinish)
        engine.register(Script(body))
        return engine
    }

    func start(
        _ engine: WorkflowEngine, _ name: String = "a", input: String = ""
    ) async throws -> RunID {
        try await engine.start(
            Script.self, id: WorkflowKey(clientID: nil, name: name), input: input
        ).runID
    }

    /// A table that a finish hook writes to, without a key: a second write would show.
    func createFinishedTable() async throws {
        try await postgres.execute("create table finished (run_id uuid not null, state text)")
    }

    static let recordFinished: FinishHook = { runs, transaction in
        for run in runs {
            try await transaction.execute(
                "insert into finished values (\(run.runID), \(run.state))")
        }
    }

    func count(_ sql: SQL) async throws -> Int {
        guard let row = try await postgres.queryOne(sql) else { return 0 }
        return Int(try row.get(at: 0, as: Int64.self))
    }

    /// The tables that hold only what is under way.
    func expectNothingLeft() async throws {
        #expect(try await count("select count(*) from durable_ready") == 0)
        #expect(try await count("select count(*) from durable_active") == 0)
        #expect(try await count("select count(*) from durable_timer") == 0)
    }
}

/// Runs the engine while the body lasts, then drains it.
func running<Result>(
    _ engine: WorkflowEngine, _ body: (WorkflowEngine) async throws -> Result
) async throws -> Result {
    let task = Task { await engine.run() }
    do {
        let result = try await body(engine)
        await engine.drain()
        await task.value
        return result
    } catch {
        await engine.drain()
        await task.value
        throw error
    }
}

extension WorkflowEngine {
    func state(_ run: RunID) async throws -> RunState? { try await status(of: run)?.state }

    /// Waits until the run is in the state.
    func reaches(_ state: RunState, _ run: RunID) async throws {
        try await eventually("the run is \(state)", within: .seconds(30)) {
            try await self.state(run) == state
        }
    }
}
