import DurableKit
import Kernel
import PostgresKit
import TestKit
import Testing

extension DurableTests {
    struct RunTests {
        @Test func `a run does its steps once and its output is kept`() async throws {
            try await Laboratory.use { laboratory in
                let callee = Callee()
                let engine = laboratory.engine { context, input in
                    let number = try await context.step("count") { attempt in
                        callee.call(attempt)
                        return input.count
                    }
                    let key = try await context.step("call") { callee.call($0) }
                    try await context.step("nothing") { callee.call($0) }
                    return "\(number) \(key)"
                }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine, input: "abc")
                    try await engine.reaches(.completed, run)
                    #expect(
                        try await engine.output(of: run, as: Script.self) == "3 \(run):call")
                    #expect(callee.total == 3)
                    let names = try await engine.steps(of: run).map(\.name)
                    #expect(Set(names) == ["count", "call", "nothing"])
                }
                try await laboratory.expectNothingLeft()
                #expect(try await laboratory.count("select count(*) from durable_worker") == 0)
            }
        }

        @Test func `parallel steps of a run are each done once`() async throws {
            try await Laboratory.use { laboratory in
                let callee = Callee()
                let engine = laboratory.engine { context, _ in
                    async let left = context.step("left") { callee.call($0) }
                    async let right = context.step("right") { callee.call($0) }
                    let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                        for number in 1...20 {
                            group.addTask {
                                try await context.step("item", occurrence: "\(number)") {
                                    callee.call($0)
                                    return number
                                }
                            }
                        }
                        return try await group.reduce(0, +)
                    }
                    return try await "\(left.count + right.count > 0) \(sum)"
                }
                try await running(engine) { engine in
                    let run = try await laboratory.start(engine)
                    try await engine.reaches(.completed, run)
                    #expect(try await engine.output(of: run, as: Script.self) == "true 210")
                    #expect(callee.total == 22)
                    #expect(callee.effects == 22)
                }
            }
        }

        @Test func `fifty parallel starts of one key start one run`() async throws {
            try await Laboratory.use { laboratory in
                let engine = laboratory.engine { _, _ in "" }
                let id = WorkflowKey(clientID: nil, name: "one")
                let results = try await withThrowingTaskGroup(of: StartResult.self) { group in
                    for number in 0..<50 {
                        group.addTask {
                            guard number % 2 == 0 else {
                                return try await engine.start(Script.self, id: id, input: "")
                            }
                            return try await laboratory.postgres.withTransaction { transaction in
                                try await engine.start(
                                    Script.self, id: id, input: "", in: transaction)
                            }
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let started = results.filter { if case .started = $0 { true } else { false } }
                #expect(started.count == 1)
                #expect(Set(results.map(\.runID)).count == 1)
                #expect(try await laboratory.count("select count(*) from durable_ready") == 1)
            }
        }

        @Test func `a start that is rolled back never was, and one client's key is not another's`()
            async throws
        {
            try await Laboratory.use { laboratory in
                let engine = laboratory.engine { _, _ in "" }
                struct Refused: Error {}
                let id = WorkflowKey(clientID: nil, name: "one")
                await #expect(throws: Refused.self) {
                    try await laboratory.postgres.withTransaction { transaction in
                        _ = try await engine.start(
                            Script.self, id: id, input: "", in: transaction)
                        throw Refused()
                    }
                }
                #expect(try await engine.status(of: id, Script.self) == nil)
                let clients = [nil, ClientID(SystemIDGenerator().next())]
                let results = try await laboratory.postgres.withTransaction { transaction in
                    try await engine.start(
                        Script.self,
                        (clients + clients).map {
                            StartRequest(id: WorkflowKey(clientID: $0, name: "one"), input: "")
                        }, in: transaction)
                }
                #expect(results[0] == .started(results[0].runID))
                #expect(results[1] == .started(results[1].runID))
                #expect(results[2] == .exists(results[0].runID))
                #expect(results[3] == .exists(results[1].runID))
            }
        }

        @Test func `five hundred runs on two engines finish exactly once each`() async throws {
            try await Laboratory.use { laboratory in
                let callee = Callee()
                try await laboratory.createFinishedTable()
                let hook = Laboratory.recordFinished
                @Sendable func body(context: WorkflowContext, input: String) async throws -> String
                {
                    for number in 1...4 {
                        try await context.step("step\(number)") { callee.call($0) }
                    }
                    return input
                }
                let first = laboratory.engine(EngineConfiguration(), onFinish: hook, body: body)
                let second = laboratory.engine(EngineConfiguration(), onFinish: hook, body: body)
                try await running(first) { first in
                    try await running(second) { _ in
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            for number in 0..<500 {
                                group.addTask {
                                    _ = try await laboratory.start(first, "\(number)")
                                }
                            }
                            try await group.waitForAll()
                        }
                        try await eventually("all runs are completed") {
                            try await laboratory.count(
                                "select count(*) from durable_outcome where state = 'completed'")
                                == 500
                        }
                    }
                }
                #expect(callee.effects == 2000)
                #expect(try await laboratory.count("select count(*) from finished") == 500)
                #expect(
                    try await laboratory.count("select count(distinct run_id) from finished")
                        == 500)
                #expect(try await laboratory.count("select count(*) from durable_step") == 2000)
                try await laboratory.expectNothingLeft()
            }
        }
    }
}
