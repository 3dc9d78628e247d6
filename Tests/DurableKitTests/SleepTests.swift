import DurableKit
import Kernel
import PostgresKit
import Synchronization
import TestKit
import Testing

extension DurableTests {
    struct SleepTests {
        /// Every wait leaves memory.
        private static var sleepy: EngineConfiguration {
            var configuration = Laboratory.quick
            configuration.sleepThreshold = .milliseconds(1)
            configuration.quietPeriod = .milliseconds(10)
            return configuration
        }

        @Test func `a long sleep leaves memory, survives a restart and is not short`() async throws
        {
            try await Laboratory.use { laboratory in
                let (callee, clock) = (Callee(), TestClock())
                @Sendable func body(context: WorkflowContext, input: String) async throws -> String
                {
                    try await context.step("before") { callee.call($0) }
                    try await context.sleep("hold", for: .seconds(30 * 86_400))
                    try await context.step("after") { callee.call($0) }
                    return ""
                }
                let run = try await running(
                    laboratory.engine(Self.sleepy, clock: clock, body: body)
                ) { engine in
                    let run = try await laboratory.start(engine)
                    try await engine.reaches(.sleeping, run)
                    return run
                }
                clock.advance(by: .seconds(30 * 86_400 - 1))
                let engine = laboratory.engine(Self.sleepy, clock: clock, body: body)
                try await running(engine) { engine in
                    let other = try await laboratory.start(engine, "b")
                    try await engine.reaches(.sleeping, other)
                    #expect(try await engine.state(run) == .sleeping)
                    clock.advance(by: .seconds(1))
                    try await engine.reaches(.completed, run)
                    #expect(try await engine.state(other) == .sleeping)
                }
                #expect(callee.calls(ofStep: "before") == 2)
                #expect(callee.calls(ofStep: "after") == 1)
            }
        }

        @Test
        func `a short sleep stays in memory and still ends after a crash at its first due time`()
            async throws
        {
            try await Laboratory.use { laboratory in
                let times = Mutex<[Timestamp]>([])
                @Sendable func body(context: WorkflowContext, input: String) async throws -> String
                {
                    try await context.step("begin") { _ in
                        times.withLock { $0.append(SystemClock().now()) }
                    }
                    try await context.sleep("pause", for: .seconds(2))
                    try await context.step("end") { _ in
                        times.withLock { $0.append(SystemClock().now()) }
                    }
                    return ""
                }
                let first = laboratory.engine(body: body)
                let task = Task { await first.run() }
                let run = try await laboratory.start(first)
                try await eventually("the sleep is recorded") {
                    try await laboratory.count("select count(*) from durable_step") == 2
                }
                #expect(try await laboratory.count("select count(*) from durable_timer") == 0)
                first.halt()
                await task.value
                try await running(laboratory.engine(body: body)) { engine in
                    try await engine.reaches(.completed, run)
                }
                let passed = times.withLock { $0[1] - $0[0] }
                #expect(passed >= .seconds(2))
            }
        }

        @Test func `a branch that works is not put to sleep by one that waits`() async throws {
            try await Laboratory.use { laboratory in
                let (callee, gate, clock) = (Callee(), Gate(), TestClock())
                let engine = laboratory.engine(Self.sleepy, clock: clock) { context, _ in
                    async let wait: Void = context.sleep("day", for: .seconds(86_400))
                    try await context.step("busy") { attempt in
                        try await gate.pass()
                        callee.call(attempt)
                    }
                    try await context.step("more") { callee.call($0) }
                    try await wait
                    return ""
                }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine)
                    try await eventually("the branch works") { gate.waiting == 1 }
                    try await Task.sleep(for: .milliseconds(100))
                    #expect(try await engine.state(run) == .running)
                    gate.open()
                    try await engine.reaches(.sleeping, run)
                    #expect(callee.total == 2)
                    clock.advance(by: .seconds(86_400))
                    try await engine.reaches(.completed, run)
                    #expect(callee.total == 2)
                }
            }
        }

        @Test func `a workflow that swallows its interruption neither goes on nor spins`()
            async throws
        {
            try await Laboratory.use { laboratory in
                let (callee, clock) = (Callee(), TestClock())
                let engine = laboratory.engine(Self.sleepy, clock: clock) { context, _ in
                    try? await context.sleep("day", for: .seconds(86_400))
                    try await context.step("after") { callee.call($0) }
                    return ""
                }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine)
                    try await engine.reaches(.sleeping, run)
                    #expect(callee.total == 0)
                    clock.advance(by: .seconds(86_400))
                    try await engine.reaches(.completed, run)
                    #expect(callee.total == 1)
                }
            }
        }

        @Test func `a client's moved clock wakes what sleeps by it, and only that`() async throws {
            try await Laboratory.use { laboratory in
                let clients = [
                    ClientID(SystemIDGenerator().next()), ClientID(SystemIDGenerator().next()),
                ]
                let engine = laboratory.engine(Self.sleepy) { context, _ in
                    let due = context.startedAt + .seconds(30 * 86_400)
                    try await context.sleep("hold", until: due)
                    return context.now >= due ? "right" : "early"
                }
                try await running(engine) { engine in
                    var runs: [RunID] = []
                    for client in clients {
                        let result = try await engine.start(
                            Script.self, id: WorkflowKey(clientID: client, name: "hold"), input: "",
                            clockOffset: .seconds(3600))
                        runs.append(result.runID)
                        try await engine.reaches(.sleeping, result.runID)
                    }
                    for days in [29, 31] {
                        try await laboratory.postgres.withTransaction { transaction in
                            try await engine.setClockOffset(
                                .seconds(3600 + days * 86_400), client: clients[0], in: transaction)
                        }
                        if days == 29 {
                            let wakesAt = try #require(
                                try await engine.status(of: runs[0])?.wakesAt)
                            let left = wakesAt - SystemClock().now()
                            #expect(left > .seconds(86_000) && left < .seconds(86_400))
                        }
                    }
                    try await engine.reaches(.completed, runs[0])
                    #expect(try await engine.output(of: runs[0], as: Script.self) == "right")
                    #expect(try await engine.state(runs[1]) == .sleeping)
                }
            }
        }

        @Test func `a run started with a clock ahead sees business time`() async throws {
            try await Laboratory.use { laboratory in
                let clock = TestClock()
                let engine = laboratory.engine(clock: clock) { context, _ in
                    let past = context.now - .seconds(1)
                    try await context.sleep("over", until: past)
                    return "\(context.now)"
                }
                try await running(engine) { engine in
                    let run = try await engine.start(
                        Script.self, id: WorkflowKey(clientID: nil, name: "x"), input: "",
                        clockOffset: .seconds(86_400)
                    ).runID
                    try await engine.reaches(.completed, run)
                    let ahead = clock.now() + .seconds(86_400)
                    #expect(try await engine.output(of: run, as: Script.self) == "\(ahead)")
                }
            }
        }
    }
}
