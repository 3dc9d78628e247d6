import DurableKit
import Kernel
import PostgresKit
import TestKit
import Testing

extension DurableTests {
    /// Runs that are their starter's own from the commit on.
    struct StartTests {
        private struct Refusal: Error {}

        @Test func `a run begins when its transaction has committed, without the queue`()
            async throws
        {
            try await Laboratory.use { laboratory in
                let callee = Callee()
                let engine = laboratory.engine { context, _ in
                    try await context.step("call") { callee.call($0) }
                }
                try await running(engine) { engine in
                    try await laboratory.warmUp(engine)
                    let run = try await laboratory.postgres.withTransaction { transaction in
                        let result = try await engine.start(
                            Script.self, id: WorkflowKey(clientID: nil, name: "a"), input: "",
                            in: transaction)
                        let owned = try await transaction.query("select from durable_active")
                        #expect(owned.count == 1)
                        let waiting = try await transaction.query("select from durable_ready")
                        #expect(waiting.isEmpty)
                        #expect(callee.total == 1)
                        return result.runID
                    }
                    try await engine.reaches(.completed, run)
                    #expect(callee.total == 2)
                }
                try await laboratory.expectNothingLeft()
            }
        }

        @Test func `a start that is rolled back does nothing, and its key is free`() async throws {
            try await Laboratory.use { laboratory in
                let callee = Callee()
                let engine = laboratory.engine { context, _ in
                    try await context.step("call") { callee.call($0) }
                }
                try await running(engine) { engine in
                    try await laboratory.warmUp(engine)
                    await #expect(throws: Refusal.self) {
                        try await laboratory.postgres.withTransaction { transaction in
                            _ = try await engine.start(
                                Script.self, id: WorkflowKey(clientID: nil, name: "a"), input: "",
                                in: transaction)
                            throw Refusal()
                        }
                    }
                    let run = try await laboratory.start(engine)
                    try await engine.reaches(.completed, run)
                    #expect(callee.total == 2)
                    #expect(callee.keys.contains("\(run):call"))
                }
                try await laboratory.expectNothingLeft()
            }
        }

        @Test func `who has no room leaves a new run to the queue`() async throws {
            try await Laboratory.use { laboratory in
                let gate = Gate()
                var configuration = Laboratory.quick
                configuration.slots = 1
                let engine = laboratory.engine(configuration) { context, _ in
                    try await context.step("wait") { _ in try await gate.pass() }
                    return ""
                }
                try await running(engine) { engine in
                    let first = try await laboratory.start(engine, "first")
                    try await eventually("the first has the slot") { gate.waiting == 1 }
                    let second = try await laboratory.start(engine, "second")
                    #expect(try await engine.state(second) == .ready)
                    gate.open()
                    try await engine.reaches(.completed, first)
                    try await engine.reaches(.completed, second)
                }
                try await laboratory.expectNothingLeft()
            }
        }

        @Test func `a run whose commit was never answered is run all the same`() async throws {
            try await withPrivateServer(.postgres) { server in
                let postgres = PostgresClient(
                    try PostgresConfiguration(url: server.url), telemetry: Telemetry())
                try await Migrator.migrate(postgres, DurableMigrations.all, world: World())
                for setting: SQL in [
                    "alter system set synchronous_commit = 'local'",
                    "alter system set synchronous_standby_names = 'nobody'",
                    "select pg_reload_conf()",
                ] { try await postgres.execute(setting) }
                let laboratory = Laboratory(postgres: postgres)
                let callee = Callee()
                let engine = laboratory.engine { context, _ in
                    try await context.step("call") { callee.call($0) }
                }
                try await running(engine) { engine in
                    try await laboratory.warmUp(engine)
                    let start = Task {
                        try await postgres.withTransaction { transaction in
                            // Its commit is durable here and then waits for a standby.
                            try await transaction.execute("set local synchronous_commit = on")
                            _ = try await engine.start(
                                Script.self, id: WorkflowKey(clientID: nil, name: "a"), input: "",
                                in: transaction)
                        }
                    }
                    try await eventually("it waits for the standby") {
                        try await laboratory.count(
                            """
                            select count(pg_terminate_backend(pid)) from pg_stat_activity
                            where wait_event = 'SyncRep'
                            """) == 1
                    }
                    await #expect(throws: PostgresError.self) { try await start.value }
                    try await eventually("the run is completed", within: .seconds(30)) {
                        try await laboratory.count(
                            "select count(*) from durable_outcome where state = 'completed'") == 2
                    }
                    #expect(callee.total == 2)
                }
                try await laboratory.expectNothingLeft()
                await postgres.shutdown()
            }
        }
    }
}

extension Laboratory {
    /// Lets the engine do a run, so that it is certain to have its lease.
    fileprivate func warmUp(_ engine: WorkflowEngine) async throws {
        try await engine.reaches(.completed, try await start(engine, "first"))
    }
}
