import DurableKit
import Kernel
import PostgresKit
import Synchronization
import TestKit
import Testing

extension DurableTests {
    struct ControlTests {
        struct Broken: Error {}

        @Test func `the finish hook commits with the end of the run or not at all`() async throws {
            try await Laboratory.use { laboratory in
                try await laboratory.createFinishedTable()
                let refusals = Mutex(3)
                let hook: FinishHook = { runs, transaction in
                    try await Laboratory.recordFinished(runs, transaction)
                    let refuse = refusals.withLock { left in
                        left -= 1
                        return left >= 0
                    }
                    if refuse { throw Broken() }
                }
                let engine = laboratory.engine(onFinish: hook) { _, input in input }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine)
                    try await engine.reaches(.completed, run)
                }
                #expect(try await laboratory.count("select count(*) from finished") == 1)
            }
        }

        @Test func `a run whose hook always fails is set aside and holds up no other`() async throws
        {
            try await Laboratory.use { laboratory in
                try await laboratory.createFinishedTable()
                let hook: FinishHook = { runs, transaction in
                    if runs.contains(where: { $0.key == "bad" }) { throw Broken() }
                    try await Laboratory.recordFinished(runs, transaction)
                }
                let engine = laboratory.engine(onFinish: hook) { _, input in input }
                try await running(engine) { engine in
                    let bad = try await laboratory.start(engine, "bad")
                    var good: [RunID] = []
                    for number in 1...10 {
                        good.append(try await laboratory.start(engine, "\(number)"))
                    }
                    for run in good { try await engine.reaches(.completed, run) }
                    try await engine.reaches(.attention, bad)
                    #expect(
                        try await engine.status(of: bad)?.failure?.code == "finish_hook_failed")
                }
                #expect(try await laboratory.count("select count(*) from finished") == 10)
            }
        }

        @Test func `the same step name twice stops the run for a human`() async throws {
            try await Laboratory.use { laboratory in
                let callee = Callee()
                let engine = laboratory.engine { context, _ in
                    try await context.step("pay") { callee.call($0) }
                    _ = try? await context.step("pay") { callee.call($0) }
                    return "as if nothing had happened"
                }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine)
                    try await engine.reaches(.attention, run)
                    #expect(try await engine.status(of: run)?.failure?.code == "step_repeated")
                    #expect(callee.total == 1)
                }
            }
        }

        @Test func `a step that returns another type than it recorded stops the run`() async throws
        {
            try await Laboratory.use { laboratory in
                let (gate, fixed) = (Gate(), Gate())
                let old = laboratory.engine { context, _ in
                    _ = try await context.step("decide") { _ in 7 }
                    try await context.step("wait") { _ in try await gate.pass() }
                    return ""
                }
                let task = Task { await old.run() }
                let run = try await laboratory.start(old)
                try await eventually("the first step is recorded") { gate.waiting == 1 }
                old.halt()
                await task.value
                let new = laboratory.engine { context, _ in
                    if fixed.isOpen {
                        return "\(try await context.step("decide") { _ in 8 })"
                    }
                    return try await context.step("decide") { _ in "seven" }
                }
                try await running(new) { engine in
                    try await engine.reaches(.attention, run)
                    #expect(try await engine.status(of: run)?.failure?.code == "step_changed")
                    fixed.open()
                    try await engine.retry(run)
                    try await engine.reaches(.completed, run)
                    #expect(try await engine.output(of: run, as: Script.self) == "7")
                }
            }
        }

        @Test func `an unreadable input and an unusable step name stop the run`() async throws {
            try await Laboratory.use { laboratory in
                let engine = laboratory.engine { context, _ in
                    try await context.step("a:b") { _ in }
                    return ""
                }
                try await running(engine) { engine in
                    let named = try await laboratory.start(engine)
                    try await engine.reaches(.attention, named)
                    #expect(
                        try await engine.status(of: named)?.failure?.code == "step_name_invalid")
                    let unreadable = try await engine.start(
                        Renamed.self, id: WorkflowKey(clientID: nil, name: "r"), input: 7
                    ).runID
                    try await engine.reaches(.attention, unreadable)
                    #expect(
                        try await engine.status(of: unreadable)?.failure?.code == "input_unreadable"
                    )
                }
            }
        }

        /// The workflow `script` as an earlier release knew it.
        private struct Renamed: Workflow {
            static let name = "script"
            func run(_ context: WorkflowContext, _ input: Int) async throws -> Int { input }
        }

        @Test func `an older process leaves newer runs alone`() async throws {
            try await Laboratory.use { laboratory in
                let engine = laboratory.engine { _, _ in "old" }
                try await running(engine) { engine in
                    let newer = try await engine.start(
                        Newer.self, id: WorkflowKey(clientID: nil, name: "new"), input: ""
                    ).runID
                    let old = try await laboratory.start(engine, "old")
                    try await engine.reaches(.completed, old)
                    #expect(try await engine.state(newer) == .ready)
                }
            }
        }

        private struct Newer: Workflow {
            static let name = "script"
            static let version = 2
            func run(_ context: WorkflowContext, _ input: String) async throws -> String { input }
        }

        @Test func `a cancelled run stops, wherever it is, and the hook sees it`() async throws {
            try await Laboratory.use { laboratory in
                try await laboratory.createFinishedTable()
                let (callee, gate) = (Callee(), Gate())
                let engine = laboratory.engine(onFinish: Laboratory.recordFinished) {
                    context, input in
                    if input == "sleep" {
                        try await context.sleep("year", for: .seconds(365 * 86_400))
                    }
                    try await context.step("block") { _ in try await gate.pass() }
                    try await context.step("after") { callee.call($0) }
                    return ""
                }
                let waiting = try await laboratory.start(engine, "waiting")
                #expect(try await engine.cancel(waiting))
                try await running(engine) { engine in
                    let asleep = try await laboratory.start(engine, "asleep", input: "sleep")
                    let busy = try await laboratory.start(engine, "busy")
                    try await engine.reaches(.sleeping, asleep)
                    try await eventually("the step runs") { gate.waiting == 1 }
                    // Another process cancels: this one finds out by itself.
                    let other = laboratory.engine(onFinish: Laboratory.recordFinished) { _, _ in ""
                    }
                    #expect(try await other.cancel(busy))
                    #expect(try await engine.cancel(asleep))
                    #expect(try await engine.cancel(asleep) == false)
                    await #expect(throws: DurableError(.unknownRun)) {
                        try await engine.cancel(RunID(SystemIDGenerator().next()))
                    }
                    for run in [waiting, asleep, busy] {
                        #expect(try await engine.state(run) == .cancelled)
                    }
                }
                #expect(callee.total == 0)
                #expect(
                    try await laboratory.count(
                        "select count(*) from finished where state = 'cancelled'") == 3)
                try await laboratory.expectNothingLeft()
            }
        }

        @Test func `runs are listed by client and state, page by page, newest first`() async throws
        {
            try await Laboratory.use { laboratory in
                let client = ClientID(SystemIDGenerator().next())
                let engine = laboratory.engine { _, input in
                    if input == "bad" { throw PermanentFailure(code: "bad", detail: "Bad.") }
                    return ""
                }
                var runs: [RunID] = []
                for number in 0..<5 {
                    let id = WorkflowKey(clientID: number < 4 ? client : nil, name: "\(number)")
                    let input = number.isMultiple(of: 2) ? "good" : "bad"
                    runs.append(try await engine.start(Script.self, id: id, input: input).runID)
                }
                #expect(
                    try await engine.list(state: .ready, page: PageRequest()).data.count == 5)
                try await running(engine) { engine in
                    for (number, run) in runs.enumerated() {
                        try await engine.reaches(
                            number.isMultiple(of: 2) ? .completed : .failed, run)
                    }
                }
                let first = try await engine.list(client: client, page: PageRequest(limit: 3))
                let second = try await engine.list(
                    client: client, page: PageRequest(limit: 3, cursor: first.nextCursor))
                #expect((first.data + second.data).map(\.runID) == runs.prefix(4).reversed())
                #expect(second.nextCursor == nil)
                let failed = try await engine.list(state: .failed, page: PageRequest())
                #expect(failed.data.map(\.key) == ["3", "1"])
                #expect(failed.data.first?.failure?.code == "bad")
                await #expect(throws: Problem.self) {
                    try await engine.list(page: PageRequest(cursor: "nonsense"))
                }
            }
        }
    }
}
