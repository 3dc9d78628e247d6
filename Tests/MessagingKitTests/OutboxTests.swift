import Contracts
import Kernel
import MessagingKit
import PostgresKit
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2))) struct OutboxTests {
    @Test func `a committed message reaches the log and leaves the outbox`() async throws {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            try await stage.running(outbox.run) {
                try await stage.publish(1...3, by: outbox, client: client)
                try await eventually { stage.log.numbers(of: client) == [1, 2, 3] }
                try await eventually { try await stage.count("messaging_outbox") == 0 }
            }
            #expect(try await stage.count("messaging_relay_claim") == 0)
        }
    }

    @Test func `a change and its message are written together or not at all`() async throws {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            func write(_ number: Int) async throws {
                try await outbox.write(
                    [
                        """
                        insert into test_effect (client_id, number)
                        values (\(client), 10 / \(number))
                        """
                    ], telling: [MemoryLog.message(number, client: client)])
            }
            try await stage.running(outbox.run) {
                try await write(2)
                await #expect(throws: PostgresError.self) { try await write(0) }
                try await write(5)
                try await eventually { stage.log.numbers(of: client) == [2, 5] }
            }
            #expect(try await stage.count("test_effect") == 2)
        }
    }

    @Test func `a message of a rolled back change is never sent`() async throws {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            struct Refusal: Error {}
            await #expect(throws: Refusal.self) {
                try await stage.postgres.withTransaction { transaction in
                    try await outbox.append(
                        [MemoryLog.message(1, client: client)], in: transaction)
                    throw Refusal()
                }
            }
            try await stage.running(outbox.run) {
                try await stage.publish(2...2, by: outbox, client: client)
                try await eventually { stage.log.numbers(of: client) == [2] }
            }
        }
    }

    @Test func `the messages of each client keep their order through an outage of the log`()
        async throws
    {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let clients = (0..<3).map { _ in stage.client() }
            stage.log.isAway = true
            try await stage.running(outbox.run) {
                for number in 1...30 {
                    for client in clients {
                        try await stage.publish(number...number, by: outbox, client: client)
                    }
                }
                #expect(stage.log.events.isEmpty)
                stage.log.isAway = false
                for client in clients {
                    try await eventually { stage.log.numbers(of: client) == Array(1...30) }
                }
            }
        }
    }

    @Test func `two relays send a busy client's messages in order and once`() async throws {
        try await Stage.with { stage in
            let client = stage.client()
            let (first, second) = (stage.outbox(), stage.outbox())
            try await stage.running(first.run) {
                try await stage.running(second.run) {
                    for start in stride(from: 1, through: 1000, by: 50) {
                        try await stage.publish(
                            start...(start + 49), by: start % 100 == 1 ? first : second,
                            client: client)
                    }
                    try await eventually { stage.log.events.count == 1000 }
                }
            }
            #expect(stage.log.numbers(of: client) == Array(1...1000))
        }
    }

    @Test func `a lost answer sends again and the log takes it once`() async throws {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            stage.log.loseAnswers(3)
            try await stage.running(outbox.run) {
                try await stage.publish(1...10, by: outbox, client: client)
                try await eventually { try await stage.count("messaging_outbox") == 0 }
            }
            #expect(stage.log.numbers(of: client) == Array(1...10))
        }
    }

    @Test func `a refused message is put aside and holds nobody up`() async throws {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            stage.log.refuse(types: ["test.refused"])
            try await stage.postgres.withTransaction { transaction in
                try await outbox.append(
                    [
                        MemoryLog.message(1, client: client),
                        MemoryLog.message(2, client: client, type: "test.refused"),
                        MemoryLog.message(3, client: client),
                    ], in: transaction)
            }
            try await stage.running(outbox.run) {
                try await eventually { try await stage.count("messaging_outbox") == 0 }
            }
            #expect(stage.log.numbers(of: client) == [1, 3])
            let letters = try await stage.deadLetters(direction: "out")
            #expect(letters.map(\.id) == ["message-2"])
            #expect(letters.map(\.reason) == ["validation_failed"])
        }
    }

    @Test func `another message with a known id is put aside as a conflict`() async throws {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            try await stage.log.publish(1...1, client: client)
            try await stage.running(outbox.run) {
                try await stage.publish(
                    1...1, by: outbox, client: client, type: "test.other")
                try await eventually { try await stage.count("messaging_outbox") == 0 }
            }
            let letters = try await stage.deadLetters(direction: "out")
            #expect(letters.map(\.reason) == ["event_id_conflict"])
            #expect(stage.log.events.count == 1)
        }
    }

    @Test func `relaying before the answer brings the client's earlier messages first`()
        async throws
    {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            try await stage.publish(1...250, by: outbox, client: client)
            try await outbox.relay(["message-250"], within: .seconds(30))
            #expect(stage.log.numbers(of: client) == Array(1...250))
        }
    }

    @Test func `relaying before the answer gives up in time and the message is sent later`()
        async throws
    {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            stage.log.isAway = true
            try await stage.publish(1...1, by: outbox, client: client)
            await #expect(throws: OutboxError.notRelayed) {
                try await outbox.relay(["message-1"], within: .milliseconds(200))
            }
            stage.log.isAway = false
            try await stage.running(outbox.run) {
                try await eventually { stage.log.numbers(of: client) == [1] }
            }
        }
    }

    @Test func `relaying a message that the log refuses says so`() async throws {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            stage.log.refuse(types: ["test.happened"])
            try await stage.publish(1...1, by: outbox, client: stage.client())
            await #expect(
                throws: OutboxError.refused(id: "message-1", reason: "validation_failed")
            ) {
                try await outbox.relay(["message-1"], within: .seconds(30))
            }
        }
    }

    @Test func `many callers relay at once beside the loop and all succeed`() async throws {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            try await stage.running(outbox.run) {
                try await withThrowingDiscardingTaskGroup { group in
                    for number in 1...40 {
                        group.addTask {
                            try await stage.publish(
                                number...number, by: outbox, client: client)
                            try await outbox.relay(["message-\(number)"], within: .seconds(30))
                        }
                    }
                }
            }
            #expect(Set(stage.log.numbers(of: client)) == Set(1...40))
            #expect(stage.log.events.count == 40)
        }
    }

    @Test func `a message without a proper id or type is refused before the commit`()
        async throws
    {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            for message in [
                MemoryLog.message(1, client: client, type: "has space"),
                LogMessage(
                    id: String(repeating: "x", count: 101), type: "test.happened",
                    clientID: client, occurredAt: SystemClock().now(), data: [:]),
            ] {
                await #expect(throws: OutboxError.self) {
                    try await stage.postgres.withTransaction { transaction in
                        try await outbox.append([message], in: transaction)
                    }
                }
            }
            let left = try await stage.count("messaging_outbox")
            #expect(left == 0)
        }
    }

    @Test func `the crash point between the log's answer and its record is reached`()
        async throws
    {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            try await stage.publish(1...1, by: outbox, client: stage.client())
            try await outbox.relay(["message-1"], within: .seconds(30))
            #expect(stage.faults.reached.contains(MessagingCrashPoints.relay(.reward)))
        }
    }

    @Test func `messages keep flowing while their database connections are killed`()
        async throws
    {
        try await Stage.with { stage in
            let process = stage.process()
            let outbox = stage.outbox(on: process)
            let client = stage.client()
            try await stage.running(outbox.run) {
                for round in 0..<20 {
                    let first = round * 10 + 1
                    try await stage.publish(first...(first + 9), by: outbox, client: client)
                    try await stage.killConnections(of: process)
                }
                try await eventually { try await stage.count("messaging_outbox") == 0 }
            }
            #expect(stage.log.numbers(of: client) == Array(1...200))
        }
    }
}
