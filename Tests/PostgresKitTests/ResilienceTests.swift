import Kernel
import PostgresKit
import Synchronization
import TestKit
import Testing

/// The server dies, comes back, and kills backends. Each test has a server of its own.
@Suite(.timeLimit(.minutes(2)))
struct ResilienceTests {
    /// Reads and writes without pause; every failure must be one that tells the caller what to do.
    private func load(
        _ client: PostgresClient, until isOver: Flag, _ tally: Tally
    ) async {
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<12 {
                group.addTask {
                    var number = 0
                    while !isOver.isUp {
                        number += 1
                        let id = worker * 1_000_000 + number
                        await tally.record(id) {
                            if worker % 3 == 0 {
                                try await client.withTransaction { transaction in
                                    try await transaction.execute(
                                        "insert into effect values (\(id))")
                                    _ = try await transaction.query("select 1")
                                }
                            } else if worker % 3 == 1 {
                                try await client.execute("insert into effect values (\(id))")
                            } else {
                                _ = try await client.query("select \(id) as id")
                            }
                        }
                    }
                }
            }
        }
    }

    private func survives(_ mode: StopMode) async throws {
        try await withPrivateServer(.postgres) { server in
            let client = try await makeClient(server.url) { $0.poolWaitLimit = .seconds(2) }
            try await client.execute("create table effect (id int8 not null)")
            let isOver = Flag()
            let tally = Tally()
            async let running: Void = load(client, until: isOver, tally)
            try await eventually("the load runs") { tally.succeeded.count > 200 }
            for _ in 0..<2 {
                try await server.stop(mode)
                try await server.start()
                let before = tally.succeeded.count
                try await eventually("calls succeed again") { tally.succeeded.count > before + 200 }
            }
            isOver.raise()
            await running
            try await eventually("the client is well") {
                await code { try await client.query("select 1") } == nil
            }
            try await check(client, tally)
            await client.shutdown()
        }
    }

    /// What was reported as done is there once; what was reported as certainly not done is not
    /// there.
    private func check(_ client: PostgresClient, _ tally: Tally) async throws {
        let rows = try await client.query("select id, count(*) as n from effect group by id")
        var stored: Set<Int> = []
        for row in rows {
            #expect(try row.get("n", as: Int.self) == 1)
            stored.insert(try row.get("id"))
        }
        let written = tally.succeeded.filter { $0 / 1_000_000 % 3 != 2 }
        #expect(written.subtracting(stored).isEmpty)
        let failed = tally.failed
        for (id, error) in failed {
            #expect(
                [.unavailable, .commitUnknown, .poolTimeout, .deadlineExceeded]
                    .contains(error.code), "\(String(reflecting: error))")
            if !error.outcomeIsUnknown { #expect(!stored.contains(id)) }
        }
    }

    @Test func `a fast restart under load is survived`() async throws {
        try await survives(.fast)
    }

    @Test func `an immediate restart under load is survived`() async throws {
        try await survives(.immediate)
    }

    @Test func `killed backends are replaced, again and again`() async throws {
        try await withPrivateServer(.postgres) { server in
            let client = try await makeClient(server.url)
            let killer = try await makeClient(server.url) { $0.applicationName = "killer" }
            try await client.execute("create table effect (id int8 not null)")
            let isOver = Flag()
            let tally = Tally()
            async let running: Void = load(client, until: isOver, tally)
            try await eventually("the load runs") { tally.succeeded.count > 200 }
            for _ in 0..<20 {
                let before = tally.succeeded.count
                _ = try await killer.query(
                    """
                    select pg_terminate_backend(pid) from pg_stat_activity
                    where application_name = 'grapevine'
                    """)
                try await eventually("calls succeed again") { tally.succeeded.count > before + 50 }
            }
            isOver.raise()
            await running
            try await eventually("the client is well") {
                await code { try await client.query("select 1") } == nil
            }
            try await check(client, tally)
            await client.shutdown()
            await killer.shutdown()
        }
    }

    @Test func `statements that certainly did not run are sent again`() async throws {
        try await withPrivateServer(.postgres) { server in
            let client = try await makeClient(server.url) { $0.pipelinedConnections = 1 }
            let killer = try await makeClient(server.url) { $0.applicationName = "killer" }
            for number in 0..<50 {
                #expect(try await client.queryOne("select \(number) as n")?.get("n") == number)
                let kill: SQL = """
                    select pg_terminate_backend(pid, 5000) from pg_stat_activity
                    where application_name = 'grapevine'
                    """
                _ = try await killer.query(kill)
            }
            await client.shutdown()
            await killer.shutdown()
        }
    }

    @Test func `a connection lost at COMMIT leaves the outcome unknown`() async throws {
        try await withPrivateServer(.postgres) { server in
            let client = try await makeClient(server.url)
            let killer = try await makeClient(server.url) { $0.applicationName = "killer" }
            // A deferred trigger that sleeps keeps COMMIT busy for long enough.
            _ = try await client.withConnection { connection in
                try await connection.script(
                    """
                    create table slow (id int8);
                    create function doze() returns trigger language plpgsql as
                        'begin perform pg_sleep(60); return null; end';
                    create constraint trigger dozes after insert on slow
                        deferrable initially deferred for each row execute function doze();
                    """)
            }
            let end = Mutex<TransactionEnd?>(nil)
            let task = Task {
                await code {
                    try await client.withTransaction { transaction in
                        transaction.whenOver { told in end.withLock { $0 = told } }
                        try await transaction.execute("insert into slow values (1)")
                    }
                }
            }
            try await eventually("it commits") {
                let rows = try await killer.query(
                    "select 1 from pg_stat_activity where query = 'commit' and state = 'active'")
                return rows.count == 1
            }
            _ = try await killer.query(
                "select pg_terminate_backend(pid) from pg_stat_activity where query = 'commit'")
            #expect(await task.value == .commitUnknown)
            #expect(end.withLock { $0 } == .unknown)
            await client.shutdown()
            await killer.shutdown()
        }
    }

    @Test func `a client without a server says so, and works once there is one`() async throws {
        try await withPrivateServer(.postgres) { server in
            try await server.stop(.fast)
            let client = try await makeClient(server.url) { $0.poolWaitLimit = .milliseconds(300) }
            await #expect(code { try await client.query("select 1") } == .unavailable)
            await #expect(
                code { try await client.withTransaction { try await $0.query("select 1") } }
                    == .unavailable)
            await #expect(code { try await client.ping() } == .unavailable)
            try await server.start()
            try await eventually("calls succeed") {
                await code { try await client.query("select 1") } == nil
            }
            try await eventually("transactions succeed") {
                await code { try await client.withTransaction { try await $0.query("select 1") } }
                    == nil
            }
            await client.shutdown()
        }
    }

    @Test func `a listener hears everything, and learns that it missed something`() async throws {
        try await withPrivateServer(.postgres) { server in
            let client = try await makeClient(server.url)
            var stream = client.listen("news").makeAsyncIterator()
            #expect(await stream.next() == .listening)
            _ = try await client.query("select pg_notify('news', 'first')")
            #expect(await stream.next() == .message(payload: "first"))
            try await server.stop(.immediate)
            try await server.start()
            #expect(await stream.next() == .reconnected)
            try await eventually("the client is back") {
                await code { try await client.query("select pg_notify('news', 'second')") } == nil
            }
            #expect(await stream.next() == .message(payload: "second"))
            await client.shutdown()
            #expect(await stream.next() == nil)
        }
    }
}

/// Goes up once.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isUp: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
}

/// What callers were told.
final class Tally: Sendable {
    private let outcomes = Mutex<(succeeded: Set<Int>, failed: [Int: PostgresError])>(([], [:]))

    var succeeded: Set<Int> { outcomes.withLock { $0.succeeded } }
    var failed: [Int: PostgresError] { outcomes.withLock { $0.failed } }

    func record(_ id: Int, _ body: () async throws -> Void) async {
        do {
            try await body()
            outcomes.withLock { _ = $0.succeeded.insert(id) }
        } catch let error as PostgresError {
            outcomes.withLock { $0.failed[id] = error }
            // Not in a hot loop while the server is away.
            try? await Task.sleep(for: .milliseconds(5))
        } catch {
            Issue.record("Not an error of PostgreSQL: \(error)")
        }
    }
}
