import Kernel
import PostgresKit
import TestKit
import Testing

/// Deadlines, cancellation and exhaustion.
@Suite(.timeLimit(.minutes(1)))
struct LimitTests {
    @Test func `a statement beyond the server's limit is stopped`() async throws {
        let client = try await makeClient { $0.statementTimeout = .milliseconds(200) }
        await #expect(code { try await client.query("select pg_sleep(30)") } == .queryCanceled)
        let inside = await code {
            try await client.withTransaction { try await $0.query("select pg_sleep(30)") }
        }
        #expect(inside == .queryCanceled)
        #expect(try await client.query("select 1").count == 1)
    }

    @Test func `a deadline ends a call on the shared pipeline`() async throws {
        let client = try await makeClient { $0.statementTimeout = .seconds(2) }
        let failure = await code {
            try await withPostgresDeadline(.now + .milliseconds(300)) {
                try await client.query("select pg_sleep(1)")
            }
        }
        #expect(failure == .deadlineExceeded)
        #expect(try await client.query("select 1").count == 1)
    }

    @Test func `a deadline stops the statement of a transaction in the server`() async throws {
        let client = try await makeClient { $0.applicationName = "deadline-test" }
        let failure = await code {
            try await withPostgresDeadline(.now + .milliseconds(300)) {
                try await client.withTransaction { try await $0.query("select pg_sleep(100)") }
            }
        }
        #expect(failure == .deadlineExceeded)
        try await eventually("the statement is gone") { try await sleepers("deadline-test") == 0 }
        #expect(try await client.withTransaction { try await $0.query("select 1").count } == 1)
    }

    @Test func `cancelling the task ends the call and stops the server`() async throws {
        let client = try await makeClient { $0.applicationName = "cancel-test" }
        let task = Task {
            await code {
                try await client.withTransaction { try await $0.query("select pg_sleep(100)") }
            }
        }
        try await eventually("it sleeps") { try await sleepers("cancel-test") == 1 }
        task.cancel()
        #expect(await task.value == .taskCanceled)
        try await eventually("it sleeps no more") { try await sleepers("cancel-test") == 0 }
        #expect(try await client.withTransaction { try await $0.query("select 1").count } == 1)
    }

    @Test func `cancelling a call on the pipeline leaves the others alone`() async throws {
        let client = try await makeClient { configuration in
            configuration.pipelinedConnections = 1
            configuration.statementTimeout = .seconds(30)
            configuration.applicationName = "abandon-test"
        }
        let sleeper = Task { await code { try await client.query("select pg_sleep(20)") } }
        try await eventually("it sleeps") { try await sleepers("abandon-test") == 1 }
        sleeper.cancel()
        #expect(await sleeper.value == .taskCanceled)
        #expect(try await client.query("select 1").count == 1)
    }

    @Test func `a slow statement does not hold up the rest`() async throws {
        let client = try await makeClient { configuration in
            configuration.pipelinedConnections = 1
            configuration.applicationName = "slow-test"
        }
        let slow = Task { await code { try await client.query("select pg_sleep(100)") } }
        try await eventually("it sleeps") { try await sleepers("slow-test") == 1 }
        try await eventually("others pass it") {
            try await withPostgresDeadline(.now + .seconds(1)) {
                try await client.query("select 1").count == 1
            }
        }
        slow.cancel()
        _ = await slow.value
        await client.shutdown()
    }

    @Test func `an exhausted pool says so in time and recovers`() async throws {
        let telemetry = Telemetry()
        let client = try await makeClient(telemetry: telemetry) { configuration in
            configuration.leasedConnections = 2
            configuration.poolWaitLimit = .seconds(3)
        }
        let gate = Gate()
        let holders = (0..<2).map { _ in
            Task {
                try await client.withTransaction { transaction in
                    _ = try await transaction.query("select 1")
                    await gate.wait()
                }
            }
        }
        let inUse = telemetry.metrics.gauge("grapevine_postgres_pool_in_use", help: "")
        try await eventually("both are lent") { inUse.value == 2 }
        await #expect(
            code { try await client.withTransaction { try await $0.query("select 1") } }
                == .poolTimeout)
        await gate.open()
        for holder in holders { try await holder.value }
        #expect(try await client.withTransaction { try await $0.query("select 1").count } == 1)
        try await eventually("all are back") { inUse.value == 0 }
    }

    @Test func `a waiter that is cancelled leaves the line`() async throws {
        let client = try await makeClient { $0.leasedConnections = 1 }
        let gate = Gate()
        let holder = Task { try await client.withConnection { _ in await gate.wait() } }
        try await Task.sleep(for: .milliseconds(1))
        let waiter = Task { await code { try await client.withConnection { _ in () } } }
        waiter.cancel()
        #expect(await waiter.value == .taskCanceled)
        await gate.open()
        try await holder.value
        #expect(
            try await client.withConnection { try await $0.query("select 1").count } == 1)
    }

    @Test func `after shutdown every call is refused and no connection stays`() async throws {
        let client = try await makeClient { $0.applicationName = "shutdown-test" }
        _ = try await client.query("select 1")
        _ = try await client.withTransaction { try await $0.query("select 1") }
        await client.shutdown()
        await #expect(code { try await client.query("select 1") } == .closed)
        await #expect(code { try await client.withConnection { _ in () } } == .closed)
        let watcher = try await makeClient()
        try await eventually("the server sees no connection") {
            let row = try await watcher.queryOne(
                """
                select count(*) as n from pg_stat_activity
                where application_name = 'shutdown-test'
                """)
            return try row?.get("n") == 0
        }
    }

    private func sleepers(_ application: String) async throws -> Int {
        let watcher = try await makeClient()
        let row = try await watcher.queryOne(
            """
            select count(*) as n from pg_stat_activity
            where application_name = \(application) and state = 'active'
                and query like '%pg_sleep%'
            """)
        return try row?.get("n") ?? 0
    }
}

/// Holds tasks until it is opened.
actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        if isOpen { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
