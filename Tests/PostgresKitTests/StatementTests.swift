import FoundationEssentials
import PostgresKit
import Testing

struct StatementTextTests {
    @Test func `interpolation binds and never pastes`() {
        let evil = "x'; drop table client; --"
        let sql: SQL = "select * from client where name = \(evil) and size > \(3)"
        #expect(sql.text == "select * from client where name = $1 and size > $2")
        #expect(sql.parameterCount == 2)
    }

    @Test func `fragments are put together with their values renumbered`() {
        let first: SQL = "a = \(1) and b = \(2)"
        let second: SQL = "c = \(3)"
        let sum: SQL = "select \(0) where \(first) or \(second)" + " limit \(10)"
        #expect(sum.text == "select $1 where a = $2 and b = $3 or c = $4 limit $5")
        #expect(sum.parameterCount == 5)
    }

    @Test func `more than nine values are renumbered right`() {
        var list: SQL = "\(0)"
        for number in 1..<12 { list += ", \(number)" }
        let sql: SQL = "select \(99), \(list), '$1'"
        #expect(sql.text.hasPrefix("select $1, $2, $3"))
        #expect(sql.text.hasSuffix("$12, $13, '$1'"))
    }

    @Test func `raw text and names have their own words`() {
        let sql: SQL = "listen \(identifier: "odd\"name") \(unsafeRaw: "-- x")"
        #expect(sql.text == "listen \"odd\"\"name\" -- x")
    }
}

@Suite(.timeLimit(.minutes(1)))
struct StatementTests {
    let client: PostgresClient

    init() async throws { client = try await makeClient() }

    @Test func `an injection stays a value`() async throws {
        let evil = "'; select pg_sleep(10); drop table pg_class; -- $1 \" \\"
        #expect(try await client.queryOne("select \(evil) as echo")?.get("echo") == evil)
        #expect(
            try await client.queryOne("select \([evil])::text[] as echo")?.get("echo") == [evil])
    }

    @Test func `rows are counted and decoded`() async throws {
        struct Pair: RowDecodable, Equatable {
            let number: Int
            let text: String
            init(row: Row) throws(PostgresError) {
                number = try row.get("number")
                text = try row.get("text")
            }
        }
        let pairs = try await client.query(
            "select n as number, n::text as text from generate_series(1, 3) as n",
            as: Pair.self)
        #expect(pairs.map(\.number) == [1, 2, 3])
        #expect(try await client.query("select 1 where false").isEmpty)
        let table = try await TemporaryTable(client)
        #expect(
            try await client.execute(
                "insert into \(table.name) select n from generate_series(1, 7) as n") == 7)
    }

    @Test func `arrays carry many rows at once`() async throws {
        let table = try await TemporaryTable(client, columns: "id uuid, name text, size int8")
        let ids = (0..<500).map { _ in UUID() }
        let names = ids.indices.map { "name \($0)" }
        let sizes: [Int?] = ids.indices.map { $0 % 2 == 0 ? $0 : nil }
        let inserted = try await client.execute(
            """
            insert into \(table.name)
            select * from unnest(\(ids)::uuid[], \(names)::text[], \(sizes)::int8[])
            """)
        #expect(inserted == 500)
        let found = try await client.query(
            "select id from \(table.name) where id = any(\(Array(ids.prefix(10)))) and size is null"
        )
        #expect(found.count == 5)
    }

    @Test func `constraint violations say which constraint`() async throws {
        let table = try await TemporaryTable(
            client, columns: "id int8 constraint only_one unique, size int8 check (size > 0)")
        try await client.execute("insert into \(table.name) values (1, 1)")
        do {
            try await client.execute("insert into \(table.name) values (1, 1)")
            Issue.record("The second row was taken.")
        } catch {
            #expect(error.code == .uniqueViolation)
            #expect(error.constraint == "only_one")
            #expect(error.sqlState == "23505")
            #expect(!error.description.contains("already exists"))
            #expect(String(reflecting: error).contains("already exists"))
        }
        await #expect(
            code { try await client.execute("insert into \(table.name) values (2, 0)") }
                == .checkViolation)
        await #expect(code { try await client.query("selec 1") } == .invalidStatement)
        await #expect(code { try await client.query("select 1/0") } == .invalidValue)
    }

    @Test func `a failing statement does not disturb its neighbours in the pipeline`() async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask { [client] in
                    if number % 3 == 0 {
                        let failure = await code { try await client.query("select \(number)/0") }
                        #expect(failure == .invalidValue)
                    } else {
                        let row = try await client.queryOne("select \(number) as number")
                        #expect(try row?.get("number") == number)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `a batch is one round trip, all or nothing`() async throws {
        let table = try await TemporaryTable(client, columns: "id int8 unique")
        let results = try await client.pipeline([
            "insert into \(table.name) values (1) returning id",
            "select count(*) as count from \(table.name)",
        ])
        #expect(try results[0].first?.get("id") == 1)
        #expect(try results[1].first?.get("count") == 1)
        let failure = await code {
            _ = try await client.pipeline([
                "insert into \(table.name) values (2)", "insert into \(table.name) values (1)",
                "insert into \(table.name) values (3)",
            ])
        }
        #expect(failure == .uniqueViolation)
        let row = try await client.queryOne("select count(*) as count from \(table.name)")
        #expect(try row?.get("count") == 1)
    }

    @Test func `a deferred constraint that fails at the end is reported`() async throws {
        let table = try await TemporaryTable(
            client, columns: "id int8 unique deferrable initially deferred")
        try await client.execute("insert into \(table.name) values (1)")
        await #expect(
            code { try await client.execute("insert into \(table.name) values (1)") }
                == .uniqueViolation)
        #expect(try await client.query("select * from \(table.name)").count == 1)
    }

    @Test func `a statement outlives changes of its table`() async throws {
        let table = try await TemporaryTable(client, columns: "id int8")
        try await client.execute("insert into \(table.name) values (1)")
        for column in ["b", "c", "d"] {
            #expect(try await client.query("select * from \(table.name)").count == 1)
            try await client.execute(
                "alter table \(table.name) add column \(identifier: column) text")
        }
        #expect(try await client.query("select * from \(table.name)").count == 1)
    }

    @Test func `more statements than the cache holds all work`() async throws {
        let small = try await makeClient { configuration in
            configuration.preparedStatements = 8
            configuration.pipelinedConnections = 1
        }
        for round in 0..<3 {
            for number in 0..<30 {
                let row = try await small.queryOne(
                    "select \(round) + \(unsafeRaw: String(number)) as sum")
                #expect(try row?.get("sum") == round + number)
            }
        }
        let row = try await small.queryOne("select count(*) as n from pg_prepared_statements")
        #expect(try #require(try row?.get("n", as: Int.self)) <= 9)
    }
}

/// A table of one test; dropped with the server.
struct TemporaryTable {
    let name: SQL

    init(_ client: PostgresClient, columns: String = "id int8") async throws {
        let text = "t_\(UUID().uuidString.lowercased().replacing("-", with: ""))"
        name = SQL(unsafeRaw: text)
        try await client.execute("create table \(name) (\(unsafeRaw: columns))")
    }
}
