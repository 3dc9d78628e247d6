import Kernel
import PostgresKit
import Synchronization
import Testing

private struct Refusal: Error {}

@Suite(.timeLimit(.minutes(1)))
struct TransactionTests {
    let client: PostgresClient

    init() async throws { client = try await makeClient() }

    private func count(_ table: TemporaryTable) async throws -> Int {
        try await client.queryOne("select count(*) as n from \(table.name)")?.get("n") ?? -1
    }

    @Test func `a body that returns is committed, one that throws is not`() async throws {
        let table = try await TemporaryTable(client)
        let sum = try await client.withTransaction { transaction in
            try await transaction.execute("insert into \(table.name) values (1)")
            try await transaction.execute("insert into \(table.name) values (2)")
            return try await transaction.query("select * from \(table.name)").count
        }
        #expect(sum == 2)
        await #expect(throws: Refusal.self) {
            try await client.withTransaction { transaction in
                try await transaction.execute("insert into \(table.name) values (3)")
                throw Refusal()
            }
        }
        #expect(try await count(table) == 2)
    }

    @Test func `a pipeline in a transaction stops at the first error`() async throws {
        let table = try await TemporaryTable(client, columns: "id int8 unique")
        let rows = try await client.withTransaction { transaction in
            try await transaction.pipeline([
                "insert into \(table.name) values (1) returning id",
                "select count(*) as n from \(table.name)",
            ])
        }
        #expect(try rows[1].first?.get("n") == 1)
        let failure = await code {
            try await client.withTransaction { transaction in
                try await transaction.pipeline([
                    "insert into \(table.name) values (2)",
                    "insert into \(table.name) values (1)",
                    "insert into \(table.name) values (3)",
                ])
            }
        }
        #expect(failure == .uniqueViolation)
        #expect(try await count(table) == 1)
    }

    @Test func `the last statements travel with COMMIT`() async throws {
        let table = try await TemporaryTable(client, columns: "id int8 unique")
        let rows = try await client.withTransaction { transaction in
            try await transaction.execute("insert into \(table.name) values (1)")
            return try await transaction.commit(with: [
                "insert into \(table.name) values (2) returning id",
                "select count(*) as n from \(table.name)",
            ])
        }
        #expect(try rows.map { try $0.first?.get(at: 0, as: Int.self) } == [2, 2])
        let whole = try await client.withTransaction { transaction in
            try await transaction.commit(with: ["insert into \(table.name) values (3)"])
        }
        #expect(whole.count == 1)
        let failure = await code {
            try await client.withTransaction { transaction in
                try await transaction.execute("insert into \(table.name) values (4)")
                return try await transaction.commit(with: ["insert into \(table.name) values (1)"])
            }
        }
        #expect(failure == .uniqueViolation)
        let late = await code {
            try await client.withTransaction { transaction in
                _ = try await transaction.commit(with: ["insert into \(table.name) values (5)"])
                try await transaction.execute("insert into \(table.name) values (6)")
            }
        }
        #expect(late == .closed)
        #expect(try await count(table) == 4)
    }

    @Test func `a body that swallows an error cannot commit`() async throws {
        let table = try await TemporaryTable(client, columns: "id int8 unique")
        let failure = await code {
            try await client.withTransaction { transaction in
                try await transaction.execute("insert into \(table.name) values (1)")
                _ = try? await transaction.execute("insert into \(table.name) values (1)")
            }
        }
        #expect(failure == .uniqueViolation)
        #expect(try await count(table) == 0)
    }

    @Test func `a savepoint undoes only its own part`() async throws {
        let table = try await TemporaryTable(client, columns: "id int8 unique")
        try await client.withTransaction { transaction in
            try await transaction.execute("insert into \(table.name) values (1)")
            let failure = await code {
                try await transaction.withSavepoint {
                    try await transaction.execute("insert into \(table.name) values (2)")
                    try await transaction.execute("insert into \(table.name) values (1)")
                }
            }
            #expect(failure == .uniqueViolation)
            try await transaction.execute("insert into \(table.name) values (3)")
        }
        #expect(try await count(table) == 2)
    }

    @Test func `a transaction tells once how it ended, and after its end`() async throws {
        let table = try await TemporaryTable(client, columns: "id int8 unique")
        let ends = Mutex<[TransactionEnd]>([])
        try await client.withTransaction { transaction in
            transaction.whenOver { end in ends.withLock { $0.append(end) } }
            try await transaction.execute("insert into \(table.name) values (1)")
            #expect(ends.withLock { $0.isEmpty })
        }
        #expect(ends.withLock { $0 } == [.committed])
        try await client.withTransaction { transaction in
            transaction.whenOver { end in ends.withLock { $0.append(end) } }
            _ = try await transaction.commit(with: ["insert into \(table.name) values (2)"])
        }
        #expect(ends.withLock { $0 } == [.committed, .committed])
        _ = await code {
            try await client.withTransaction { transaction in
                transaction.whenOver { end in ends.withLock { $0.append(end) } }
                try await transaction.execute("insert into \(table.name) values (1)")
            }
        }
        await #expect(throws: Refusal.self) {
            try await client.withTransaction { transaction in
                transaction.whenOver { end in ends.withLock { $0.append(end) } }
                throw Refusal()
            }
        }
        #expect(ends.withLock { $0 } == [.committed, .committed, .rolledBack, .rolledBack])
    }

    @Test func `a transaction used after its end is refused`() async throws {
        let kept = Mutex<Transaction?>(nil)
        try await client.withTransaction { transaction in
            kept.withLock { $0 = transaction }
            _ = try await transaction.query("select 1")
        }
        let transaction = try #require(kept.withLock { $0 })
        await #expect(code { try await transaction.query("select 1") } == .closed)
    }

    @Test func `several tasks may use one transaction`() async throws {
        let table = try await TemporaryTable(client)
        try await client.withTransaction { transaction in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        try await transaction.execute(
                            "insert into \(table.name) values (\(number))")
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(try await count(table) == 50)
    }

    @Test func `a serialization failure is tried again`() async throws {
        let table = try await TemporaryTable(client)
        try await client.execute("insert into \(table.name) values (0)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask { [client] in
                    try await client.withTransaction(isolation: .serializable) { transaction in
                        let row = try await transaction.queryOne("select id from \(table.name)")
                        let id = try #require(try row?.get("id", as: Int.self))
                        try await transaction.execute("update \(table.name) set id = \(id + 1)")
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await client.queryOne("select id from \(table.name)")?.get("id") == 3)
    }

    @Test func `a deadlock is tried again and both come through`() async throws {
        let table = try await TemporaryTable(client, columns: "id int8, n int8")
        try await client.execute("insert into \(table.name) values (1, 0), (2, 0)")
        let attempts = Count()
        let met = Rendezvous()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for order in [[1, 2], [2, 1]] {
                group.addTask { [client] in
                    try await client.withTransaction { transaction in
                        let isFirst = attempts.next() <= 2
                        try await add(order[0], table, transaction)
                        if isFirst { await met.arrive() }
                        try await add(order[1], table, transaction)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(attempts.value > 2)
        let rows = try await client.query("select n from \(table.name)")
        #expect(try rows.map { try $0.get("n", as: Int.self) } == [2, 2])
    }

    private func add(
        _ id: Int, _ table: TemporaryTable, _ transaction: Transaction
    ) async throws {
        try await transaction.execute("update \(table.name) set n = n + 1 where id = \(id)")
    }

    @Test func `a snapshot that may not write refuses writing`() async throws {
        let table = try await TemporaryTable(client)
        let failure = await code {
            try await client.withTransaction(isolation: .repeatableReadOnly) { transaction in
                try await transaction.execute("insert into \(table.name) values (1)")
            }
        }
        #expect(failure == .server)
    }

    @Test func `a thousand failed transactions leak no connection`() async throws {
        let own = try await makeClient { configuration in
            configuration.leasedConnections = 4
            configuration.applicationName = "leak-test"
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<10 {
                group.addTask {
                    for number in 0..<100 {
                        _ = try? await own.withTransaction { transaction in
                            if number % 3 == lane % 3 { throw Refusal() }
                            _ = try await transaction.query("select 1/\(number % 2 - 1)")
                            throw Refusal()
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let row = try await client.queryOne(
            "select count(*) as n from pg_stat_activity where application_name = 'leak-test'")
        #expect(try #require(try row?.get("n", as: Int.self)) <= 4)
        #expect(try await own.withTransaction { try await $0.query("select 1").count } == 1)
        await own.shutdown()
    }
}

/// Lets two tasks go on once both have come.
actor Rendezvous {
    private var waiting: CheckedContinuation<Void, Never>?

    func arrive() async {
        if let other = waiting {
            waiting = nil
            return other.resume()
        }
        await withCheckedContinuation { waiting = $0 }
    }
}

/// Counts from 1.
final class Count: Sendable {
    private let number = Atomic<Int>(0)

    func next() -> Int { number.add(1, ordering: .relaxed).newValue }

    var value: Int { number.load(ordering: .relaxed) }
}
