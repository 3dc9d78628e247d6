import Kernel
import PostgresKit
import RedisKit
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2))) struct ServerTests {
    private let migrations = [
        Migration(
            component: "fruit", version: 1, name: "create_fruit",
            sql: "create table fruit (name text primary key)")
    ]

    @Test func `each database is migrated and apart from the others`() async throws {
        let postgres = try await TestPostgres.shared()
        let names = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<4 {
                group.addTask {
                    try await postgres.withDatabase(migrations) { database in
                        let client = database.client()
                        try await client.execute("insert into fruit values (\("\(number)"))")
                        let row = try await client.queryOne("select count(*) as n from fruit")
                        let count: Int = try #require(row).get("n")
                        #expect(count == 1)
                        await client.shutdown()
                        return database.name
                    }
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(names.count == 4)
    }

    @Test func `a database can be cut off from its clients`() async throws {
        let postgres = try await TestPostgres.shared()
        try await postgres.withDatabase { database in
            let client = database.client()
            let query: SQL = "select pg_backend_pid() as pid"
            let before: Int32 = try #require(try await client.queryOne(query)).get("pid")
            try await database.terminateConnections()
            try await eventually("another backend answers") {
                let row = try await client.queryOne(query)
                let after: Int32? = try row?.get("pid")
                return after != nil && after != before
            }
            await client.shutdown()
        }
    }

    @Test func `Redis databases are empty and apart`() async throws {
        let (first, second) = (try await TestRedis.make(), try await TestRedis.make())
        let (one, two) = (first.client(), second.client())
        try await eventually("both answer") {
            try await one.ping()
            try await two.ping()
            return true
        }
        _ = try await one.command(["SET", "key", "value"])
        #expect(try await two.command(["DBSIZE"]) == .integer(0))
        #expect(try await one.command(["DBSIZE"]) == .integer(1))
        try await first.flush()
        #expect(try await one.command(["DBSIZE"]) == .integer(0))
        await one.shutdown()
        await two.shutdown()
    }

    @Test func `a private Redis comes back empty after a kill`() async throws {
        try await withPrivateServer(.redis) { server in
            let client = try TestRedis(url: server.url).client()
            try await eventually("it answers") {
                try await client.ping(); return true
            }
            _ = try await client.command(["SET", "key", "value"])
            try await server.kill()
            try await server.start()
            try await eventually("it answers again") {
                try await client.command(["EXISTS", "key"]) == .integer(0)
            }
            await client.shutdown()
        }
    }

    @Test func `a private PostgreSQL keeps what was committed through any end`() async throws {
        try await withPrivateServer(.postgres) { server in
            let database = try await TestPostgres(url: server.url).makeDatabase(migrations)
            let client = database.client()
            try await client.execute("insert into fruit values ('grape')")
            for end in ["fast", "immediate", "kill"] {
                switch end {
                case "fast": try await server.restart(.fast)
                case "immediate": try await server.restart(.immediate)
                default:
                    try await server.kill()
                    try await server.start()
                }
                try await eventually("the row is there after \(end)") {
                    try await client.queryOne("select name from fruit") != nil
                }
            }
            await client.shutdown()
        }
    }
}
