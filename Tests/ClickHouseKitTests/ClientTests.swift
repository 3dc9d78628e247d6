import ClickHouseKit
import FoundationEssentials
import HTTPKit
import Kernel
import TestKit
import Testing

/// What is asked and what is answered, on a real server.
@Suite(.timeLimit(.minutes(2))) struct ClientTests {
    @Test func `errors carry the server's code and keep its words to themselves`() async throws {
        let client = try await TestClickHouse.make().client()
        let missing = await #expect(throws: ClickHouseError.self) {
            try await client.query(
                "SELECT secret_word FROM system.no_such_table", inDatabase: false)
        }
        #expect(missing?.code == .unknownTable)
        #expect(missing?.serverCode == 60)
        #expect(missing?.isRetryable == true)
        let wrong = await #expect(throws: ClickHouseError.self) {
            try await client.query("SELECT secret_word", inDatabase: false)
        }
        #expect(wrong?.code == .server)
        #expect(wrong.map { !"\($0)".contains("secret_word") } == true)
        #expect(wrong.map { String(reflecting: $0).contains("secret_word") } == true)
    }

    @Test func `a wrong password is refused and told apart`() async throws {
        let url = try await TestClickHouse.make().url
        let at = try #require(url.lastIndex(of: "@"))
        let other = try TestClickHouse(url: "http://grapevine:wrong\(url[at...])")
        let error = await #expect(throws: ClickHouseError.self) { try await other.client().ping() }
        #expect(error?.code == .authentication)
        #expect(error?.isRetryable == false)
    }

    @Test func `a query cannot write`() async throws {
        try await TestClickHouse.withDatabase { database in
            try await database.create()
            let error = await #expect(throws: ClickHouseError.self) {
                try await database.client().query("DROP DATABASE \(identifier: "system")")
            }
            #expect(error?.code == .server)
        }
    }

    @Test func `a statement beyond its deadline fails and is not left running`() async throws {
        let client = try await TestClickHouse.make().client()
        let error = await #expect(throws: ClickHouseError.self) {
            try await client.query(
                "SELECT count() AS n FROM system.numbers", inDatabase: false,
                within: .seconds(1))
        }
        #expect(error?.code == .timeout)
        try await eventually("the server stopped it") {
            let rows = try await client.query(
                """
                SELECT count() AS n FROM system.processes
                WHERE query LIKE '%system.numbers%' AND query NOT LIKE '%processes%'
                """, inDatabase: false)
            return try rows.first?.get("n") == 0
        }
    }

    @Test func `nothing listens: unavailable, and nothing was done`() async throws {
        let gone = try TestClickHouse(url: "http://u:p@127.0.0.1:\(FreePort.find())/nothing")
        let error = await #expect(throws: ClickHouseError.self) { try await gone.client().ping() }
        #expect(error?.code == .unavailable)
        #expect(error?.outcomeIsUnknown == false)
    }

    @Test(arguments: [
        "", "http://", "127.0.0.1:8124/x", "http://127.0.0.1:8124/x", "http://u:p@127.0.0.1:8124",
        "http://u:p@127.0.0.1:8124/", "http://u:p@127.0.0.1:8124/a/b", "http://u:p@/x",
        "http://u:%zz@h/x", "ftp://u:p@h/x", "http://u:p@h/x?y",
    ])
    func `a URL that does not say everything is refused`(_ url: String) {
        #expect(throws: ClickHouseError.self) { try ClickHouseConfiguration(url: url) }
    }

    @Test func `migrations run once, whoever runs them how often`() async throws {
        try await TestClickHouse.withDatabase { database in
            let client = database.client()
            let first = ClickHouseMigration(
                1, "words",
                ["CREATE TABLE IF NOT EXISTS words (word String) ENGINE = MergeTree ORDER BY word"])
            let second = ClickHouseMigration(
                2, "a word", ["INSERT INTO words (word) SELECT 'once'"])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await ClickHouseMigrator.migrate(client, [first], clock: SystemClock())
                    }
                }
                try await group.waitForAll()
            }
            for _ in 0..<3 {
                try await ClickHouseMigrator.migrate(client, [first, second], clock: SystemClock())
            }
            let rows = try await client.query("SELECT count() AS n FROM words")
            #expect(try rows.first?.get("n") == 1)
        }
    }
}
