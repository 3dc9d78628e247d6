import DurableKit
import Kernel
import PostgresKit
import Synchronization
import TestKit
import Testing

extension DurableTests {
    struct FailureTests {
        struct Hiccup: Error {}

        private static let fast = RetryPolicy(
            limit: .attempts(5), initialDelay: .milliseconds(1), maximumDelay: .milliseconds(2))

        @Test func `a passing failure is tried again with the same key and a higher number`()
            async throws
        {
            try await Laboratory.use { laboratory in
                let callee = Callee()
                let numbers = Mutex<[Int]>([])
                let engine = laboratory.engine { context, _ in
                    try await context.step("flaky", retry: Self.fast) { attempt in
                        numbers.withLock { $0.append(attempt.number) }
                        callee.call(attempt)
                        if attempt.number < 3 { throw Hiccup() }
                        return "done"
                    }
                }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine)
                    try await engine.reaches(.completed, run)
                }
                #expect(numbers.withLock { $0 } == [1, 2, 3])
                #expect(callee.effects == 1)
            }
        }

        @Test func `a permanent failure stops the retries, and the run can be retried by hand`()
            async throws
        {
            try await Laboratory.use { laboratory in
                let (callee, repaired) = (Callee(), Gate())
                let engine = laboratory.engine { context, _ in
                    try await context.step("before") { callee.call($0) }
                    try await context.step("refused") { attempt in
                        callee.call(attempt)
                        if !repaired.isOpen {
                            throw PermanentFailure(
                                code: "no_budget", detail: "The budget is spent.")
                        }
                    }
                    return "ok"
                }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine)
                    try await engine.reaches(.failed, run)
                    let failure = try await engine.status(of: run)?.failure
                    #expect(
                        failure == RunFailure(code: "no_budget", detail: "The budget is spent."))
                    #expect(callee.calls(ofStep: "refused") == 1)
                    let steps = try await engine.steps(of: run)
                    #expect(steps.last?.failure?.code == "no_budget")
                    repaired.open()
                    try await engine.retry(run)
                    try await engine.reaches(.completed, run)
                    #expect(callee.calls(ofStep: "before") == 1)
                    await #expect(throws: DurableError(.wrongState)) {
                        try await engine.retry(run)
                    }
                }
            }
        }

        @Test func `retries that are used up fail the step, and a workflow may go another way`()
            async throws
        {
            try await Laboratory.use { laboratory in
                let callee = Callee()
                let engine = laboratory.engine { context, _ in
                    do {
                        try await context.step("never", retry: Self.fast) { attempt in
                            callee.call(attempt)
                            throw Hiccup()
                        }
                        return "impossible"
                    } catch let failure as StepFailure {
                        return try await context.step("instead") { _ in failure.failure.code }
                    }
                }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine)
                    try await engine.reaches(.completed, run)
                    #expect(try await engine.output(of: run, as: Script.self) == "Hiccup")
                    #expect(callee.calls(ofStep: "never") == 5)
                }
            }
        }

        @Test func `attempts go on counting after the process died`() async throws {
            try await Laboratory.use { laboratory in
                let numbers = Mutex<[Int]>([])
                var policy = RetryPolicy(limit: .never)
                policy.initialDelay = .milliseconds(1)
                policy.maximumDelay = .milliseconds(2)
                let patient = policy
                @Sendable func body(context: WorkflowContext, input: String) async throws -> String
                {
                    try await context.step("down", retry: patient) { attempt in
                        numbers.withLock { $0.append(attempt.number) }
                        if attempt.number < 20 { throw Hiccup() }
                    }
                    return ""
                }
                let first = laboratory.engine(body: body)
                let task = Task { await first.run() }
                let run = try await laboratory.start(first)
                try await eventually("some attempts failed") {
                    numbers.withLock { $0.count } >= 3
                }
                first.halt()
                await task.value
                let before = numbers.withLock { $0.count }
                try await running(laboratory.engine(body: body)) { engine in
                    try await engine.reaches(.completed, run)
                }
                let after = numbers.withLock { Array($0.dropFirst(before)) }
                #expect(try #require(after.first) > 1)
                #expect(after == Array(try #require(after.first)...20))
            }
        }

        @Test func `an attempt that takes too long is cancelled and tried again`() async throws {
            try await Laboratory.use { laboratory in
                var policy = Self.fast
                policy.attemptTimeout = .milliseconds(50)
                let short = policy
                let engine = laboratory.engine { context, _ in
                    try await context.step("hanging", retry: short) { attempt in
                        if attempt.number == 1 { try await Task.sleep(for: .seconds(3600)) }
                        return "\(attempt.number)"
                    }
                }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine)
                    try await engine.reaches(.completed, run)
                    #expect(try await engine.output(of: run, as: Script.self) == "2")
                }
            }
        }

        @Test func `problems of the caller are permanent, those of the callee pass`() {
            let refused = Problem.unprocessable("budget_exceeded", "The budget is spent.")
            let busy = Problem.unavailable(retryAfter: .seconds(3))
            let twin = Problem.conflict("in_progress", "Wait.", retryAfter: .seconds(1))
            guard case .transient(_, .seconds(1)) = FailureClass.standard(twin) else {
                return #expect(Bool(false), "a conflict that says when to come back passes")
            }
            #expect(
                FailureClass.standard(refused)
                    == .permanent(
                        RunFailure(code: "budget_exceeded", detail: "The budget is spent.")))
            guard case .transient(_, .seconds(3)) = FailureClass.standard(busy) else {
                return #expect(Bool(false), "a 503 must be transient and keep its delay")
            }
        }

        @Test
        func `a transaction step that fails leaves nothing, and one that succeeds leaves one`()
            async throws
        {
            try await Laboratory.use { laboratory in
                try await laboratory.postgres.execute("create table effect (number integer)")
                let tries = Mutex(0)
                let engine = laboratory.engine { context, _ in
                    let number = try await context.transactionStep("book", retry: Self.fast) {
                        transaction in
                        let attempt = tries.withLock { tries in
                            tries += 1
                            return tries
                        }
                        try await transaction.execute("insert into effect values (\(attempt))")
                        if attempt < 3 { throw Hiccup() }
                        return attempt
                    }
                    return "\(number)"
                }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine)
                    try await engine.reaches(.completed, run)
                }
                #expect(try await laboratory.count("select count(*) from effect") == 1)
                #expect(try await laboratory.count("select max(number)::bigint from effect") == 3)
            }
        }
    }
}
