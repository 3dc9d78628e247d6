import DurableKit
import Kernel
import PostgresKit
import TestKit
import Testing

extension DurableTests {
    struct RecoveryTests {
        @Test func `a run goes on where it was when its engine is drained half-way`() async throws {
            try await Laboratory.use { laboratory in
                let (callee, gate) = (Callee(), Gate())
                @Sendable func body(context: WorkflowContext, input: String) async throws -> String
                {
                    let first = try await context.step("first") { callee.call($0) }
                    try await context.step("wait") { attempt in
                        try await gate.pass()
                        callee.call(attempt)
                    }
                    return first
                }
                let run = try await running(
                    laboratory.engine(Self.impatient, body: body)
                ) { engine in
                    let run = try await laboratory.start(engine)
                    try await eventually("the second step runs") { gate.waiting == 1 }
                    return run
                }
                #expect(try await laboratory.count("select count(*) from durable_worker") == 0)
                #expect(try await laboratory.count("select count(*) from durable_ready") == 1)
                gate.open()
                try await running(laboratory.engine(body: body)) { engine in
                    try await engine.reaches(.completed, run)
                    #expect(
                        try await engine.output(of: run, as: Script.self) == "\(run):first")
                }
                #expect(callee.calls(ofStep: "first") == 1)
                #expect(callee.total == 2)
            }
        }

        /// Interrupts what runs soon after a drain begins.
        private static var impatient: EngineConfiguration {
            var configuration = Laboratory.quick
            configuration.drainLimit = .milliseconds(50)
            return configuration
        }

        @Test func `a drain lets a running step finish and record`() async throws {
            try await Laboratory.use { laboratory in
                let (callee, gate) = (Callee(), Gate())
                @Sendable func body(context: WorkflowContext, input: String) async throws -> String
                {
                    try await context.step("slow") { attempt in
                        try await gate.pass()
                        callee.call(attempt)
                    }
                    try await context.step("next") { callee.call($0) }
                    return ""
                }
                let engine = laboratory.engine(body: body)
                let task = Task { await engine.run() }
                let run = try await laboratory.start(engine)
                try await eventually("the step runs") { gate.waiting == 1 }
                async let drained: Void = engine.drain()
                try await Task.sleep(for: .milliseconds(50))
                gate.open()
                await drained
                await task.value
                #expect(try await engine.steps(of: run).map(\.name) == ["slow"])
                #expect(callee.total == 1)
                #expect(try await engine.state(run) == .ready)
            }
        }

        @Test(arguments: DurableCrashPoints.all(prefix: "durable"), 1...3)
        func `a crash at any point loses nothing and repeats nothing`(
            point: CrashPoint, passing: Int
        ) async throws {
            try await Laboratory.use { laboratory in
                try await laboratory.createFinishedTable()
                let callee = Callee()
                @Sendable func body(context: WorkflowContext, input: String) async throws -> String
                {
                    try await context.step("one") { callee.call($0) }
                    try await context.transactionStep("two") { transaction in
                        try await transaction.execute(
                            "insert into effect values (\(context.runID))")
                    }
                    async let three = context.step("three") { callee.call($0) }
                    async let four = context.step("four") { callee.call($0) }
                    return try await three + four
                }
                try await laboratory.postgres.execute("create table effect (run_id uuid)")
                let faults = RecordingFaults()
                var brief = Laboratory.quick
                brief.lease = .milliseconds(500)
                brief.selfFence = .milliseconds(450)
                brief.heartbeat = .milliseconds(100)
                let dying = laboratory.engine(
                    brief, faults: faults, onFinish: Laboratory.recordFinished, body: body)
                faults.at(point, occurrence: passing) { dying.halt() }
                let reached = { faults.count(of: point) >= passing }
                let task = Task { await dying.run() }
                var runs: [RunID] = []
                for number in 1...4 {
                    runs.append(try await laboratory.start(dying, "\(number)"))
                    try await eventually("the run ends, or never will here") {
                        if reached() { return true }
                        return try await dying.state(runs[number - 1]) == .completed
                    }
                }
                try await eventually("the point is reached") { reached() }
                await task.value
                let heir = laboratory.engine(onFinish: Laboratory.recordFinished, body: body)
                try await running(heir) { heir in
                    for run in runs { try await heir.reaches(.completed, run) }
                }
                #expect(callee.effects == 12)
                #expect(try await laboratory.count("select count(*) from effect") == 4)
                #expect(try await laboratory.count("select count(*) from durable_step") == 16)
                #expect(try await laboratory.count("select count(*) from finished") == 4)
                try await laboratory.expectNothingLeft()
            }
        }

        @Test func `an engine that was paused past its lease cannot write any more`() async throws {
            try await Laboratory.use { laboratory in
                let (callee, gate) = (Callee(), Gate())
                // It neither beats nor notices: as a process that was stopped.
                var paused = Laboratory.quick
                paused.lease = .milliseconds(300)
                paused.heartbeat = .seconds(3600)
                paused.selfFence = .seconds(3600)
                let zombie = laboratory.engine(paused) { context, _ in
                    try await context.step("one") { callee.call($0) }
                    let answer = try await context.step("two") { attempt in
                        await gate.passStubbornly()
                        callee.call(attempt)
                        return "zombie"
                    }
                    try await context.step("three") { callee.call($0) }
                    return answer
                }
                let task = Task { await zombie.run() }
                let run = try await laboratory.start(zombie)
                try await eventually("the zombie is in its step") { gate.waiting == 1 }
                let heir = laboratory.engine { context, _ in
                    try await context.step("one") { callee.call($0) }
                    let answer = try await context.step("two") { attempt in
                        callee.call(attempt)
                        return "heir"
                    }
                    try await context.step("three") { callee.call($0) }
                    return answer
                }
                try await running(heir) { heir in
                    try await heir.reaches(.completed, run)
                    gate.open()
                    await zombie.drain()
                    await task.value
                    #expect(try await heir.output(of: run, as: Script.self) == "heir")
                }
                #expect(try await laboratory.count("select count(*) from durable_step") == 3)
                #expect(callee.effects == 3)
                #expect(callee.calls(ofStep: "one") == 1)
                #expect(callee.calls(ofStep: "three") == 1)
            }
        }

        @Test func `an engine whose lease was taken away begins anew and its runs go on`()
            async throws
        {
            try await Laboratory.use { laboratory in
                let (callee, gate) = (Callee(), Gate())
                let engine = laboratory.engine { context, _ in
                    try await context.step("one") { callee.call($0) }
                    try await context.step("two") { attempt in
                        try await gate.pass()
                        callee.call(attempt)
                    }
                    return ""
                }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine)
                    try await eventually("the step runs") { gate.waiting == 1 }
                    try await laboratory.postgres.execute("delete from durable_worker")
                    try await eventually("the step runs under a new epoch") { gate.waiting == 2 }
                    gate.open()
                    try await engine.reaches(.completed, run)
                }
                #expect(callee.calls(ofStep: "one") == 1)
                #expect(callee.calls(ofStep: "two") == 1)
            }
        }

        @Test func `a run whose worker keeps dying is set aside`() async throws {
            try await Laboratory.use { laboratory in
                var careful = Laboratory.quick
                careful.crashLimit = 1
                let gate = Gate()
                let victim = laboratory.engine { context, _ in
                    try await context.step("deadly") { _ in try await gate.pass() }
                    return ""
                }
                let task = Task { await victim.run() }
                let run = try await laboratory.start(victim)
                try await eventually("the step runs") { gate.waiting == 1 }
                victim.halt()
                await task.value
                try await running(laboratory.engine(careful) { _, _ in "" }) { engine in
                    try await engine.reaches(.attention, run)
                    #expect(try await engine.status(of: run)?.failure?.code == "crash_loop")
                }
            }
        }

        @Test(arguments: [StopMode.fast, .immediate])
        func `runs go on after PostgreSQL restarts`(mode: StopMode) async throws {
            try await withPrivateServer(.postgres) { server in
                let postgres = PostgresClient(
                    try PostgresConfiguration(url: server.url), telemetry: Telemetry())
                try await Migrator.migrate(postgres, DurableMigrations.all, world: World())
                let laboratory = Laboratory(postgres: postgres)
                let callee = Callee()
                let engine = laboratory.engine(EngineConfiguration()) { context, _ in
                    for number in 1...40 {
                        try await context.step("step\(number)") { attempt in
                            try await Task.sleep(for: .milliseconds(5))
                            callee.call(attempt)
                        }
                    }
                    return ""
                }
                try await running(engine) { engine in
                    for number in 1...20 { _ = try await laboratory.start(engine, "\(number)") }
                    try await eventually("the runs are on their way", within: .seconds(30)) {
                        callee.total > 100
                    }
                    try await server.restart(mode)
                    try await eventually("all runs are completed", within: .seconds(60)) {
                        try await laboratory.count(
                            "select count(*) from durable_outcome where state = 'completed'") == 20
                    }
                }
                #expect(callee.effects == 800)
                #expect(try await laboratory.count("select count(*) from durable_step") == 800)
                try await laboratory.expectNothingLeft()
                await postgres.shutdown()
            }
        }
    }
}
