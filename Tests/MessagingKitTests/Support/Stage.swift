import Contracts
import Foundation
import Kernel
import MessagingKit
import PostgresKit
import RedisKit
import Synchronization
import TestKit
import Testing

/// One service's database, with the kit's tables and a table of effects, beside a log in memory.
final class Stage: Sendable {
    let log: MemoryLog
    let faults = RecordingFaults()
    let postgres: PostgresClient
    private let database: TestDatabase
    private let processes = Mutex<[PostgresClient]>([])

    private init(shards: Int) async throws {
        log = MemoryLog(shards: shards)
        database = try await TestPostgres.shared().makeDatabase(MessagingMigrations.all)
        postgres = database.client()
        try await postgres.execute(
            """
            create table test_effect (
                sequence bigint generated always as identity primary key,
                client_id uuid not null, number integer not null)
            """)
    }

    /// Sets a stage up, plays on it and takes it down.
    static func with(
        shards: Int = 2, _ play: (Stage) async throws -> Void
    ) async throws {
        let stage = try await Stage(shards: shards)
        let result: Result<Void, any Error>
        do {
            result = .success(try await play(stage))
        } catch {
            result = .failure(error)
        }
        for process in stage.processes.withLock({ $0 }) { await process.shutdown() }
        await stage.postgres.shutdown()
        await stage.database.drop()
        try result.get()
    }

    var world: World { World(faults: faults) }

    func client() -> ClientID { ClientID(SystemIDGenerator().next()) }

    /// Two clients whose events are in different shards.
    func twoClientsOfTwoShards() -> (ClientID, ClientID) {
        let first = client()
        while true {
            let second = client()
            if log.shard(of: second) != log.shard(of: first) { return (first, second) }
        }
    }

    /// Another process of the service, as the database sees it: its own connections.
    func process(_ telemetry: Telemetry = Telemetry()) -> PostgresClient {
        processes.withLock { processes in
            let name = "process-\(processes.count)"
            var configuration = database.configuration
            configuration.applicationName = name
            let process = PostgresClient(configuration, telemetry: telemetry)
            processes.append(process)
            return process
        }
    }

    /// Kills every connection of a process, as a restart of the server does.
    func killConnections(of process: PostgresClient) async throws {
        let name = processes.withLock { processes in
            "process-\(processes.firstIndex { $0 === process } ?? -1)"
        }
        _ = try await postgres.query(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = \(name) and datname = current_database()
            """)
    }

    func outbox(on process: PostgresClient? = nil) -> Outbox {
        Outbox(service: .reward, postgres: process ?? postgres, log: log, world: world)
    }

    /// A subscriber that records each event's number as its effect.
    func subscriber(
        on process: PostgresClient? = nil, types: Set<String>? = nil, facets: EventFacets = [],
        changes: ChangingWants? = nil,
        redis: RedisClient? = nil, pollInterval: Duration = .milliseconds(50),
        gatherInterval: Duration = .milliseconds(10), loadGatherInterval: Duration? = nil,
        stallLimit: Duration = .seconds(60),
        apply: @escaping Subscriber.Apply = { try await Stage.record($0, in: $1) }
    ) -> Subscriber {
        var configuration = SubscriberConfiguration()
        configuration.pollInterval = pollInterval
        configuration.gatherInterval = gatherInterval
        configuration.loadGatherInterval = loadGatherInterval
        configuration.leaseDuration = .seconds(1)
        configuration.renewInterval = .milliseconds(100)
        configuration.stallLimit = stallLimit
        configuration.batchLimit = 100
        return Subscriber(
            service: .reward, name: "reward-service",
            wanted: types.map { Wanted(types: $0, facets: facets) } ?? .everything,
            changes: changes,
            postgres: process ?? postgres, log: log, redis: redis, world: world,
            configuration: configuration, apply: apply)
    }

    static func record(_ events: [LogEvent], in transaction: Transaction) async throws {
        for event in events {
            try await transaction.execute(
                """
                insert into test_effect (client_id, number)
                values (\(event.clientID), \(Int32(event.number ?? -1)))
                """)
        }
    }

    /// Commits messages with these numbers through an outbox, in one transaction.
    func publish(
        _ numbers: ClosedRange<Int>, by outbox: Outbox, client: ClientID,
        type: String = "test.happened"
    ) async throws {
        try await postgres.withTransaction { transaction in
            try await outbox.append(
                numbers.map { MemoryLog.message($0, client: client, type: type) },
                in: transaction)
        }
    }

    /// Runs a loop beside a play, and ends it before returning.
    func running(
        _ loop: @escaping @Sendable () async -> Void, _ play: () async throws -> Void
    ) async throws {
        let task = Task { await loop() }
        do {
            try await play()
        } catch {
            task.cancel()
            await task.value
            throw error
        }
        task.cancel()
        await task.value
    }
}

// MARK: - What the database holds

extension Stage {
    /// The numbers that took effect for a client, in the order in which they did.
    func effects(of client: ClientID) async throws -> [Int] {
        try await postgres.query(
            """
            select number::bigint as number from test_effect
            where client_id = \(client) order by sequence
            """
        ).map { try $0.get("number", as: Int.self) }
    }

    func count(_ table: String) async throws -> Int {
        try await postgres.query("select count(*) as n from \(unsafeRaw: table)")[0].get("n")
    }

    func position(_ subscriber: String, shard: Int) async throws -> Int {
        try await postgres.query(
            """
            select position from messaging_cursor
            where subscriber = \(subscriber) and shard = \(Int32(shard))
            """)[0].get("position")
    }

    func deadLetters(direction: String) async throws -> [(id: String, reason: String)] {
        try await postgres.query(
            """
            select message_id, reason from messaging_dead_letter
            where direction = \(direction) order by id
            """
        ).map { (try $0.get("message_id"), try $0.get("reason")) }
    }

    /// When the only claim of a relay ends.
    func claimExpiry() async throws -> Timestamp {
        try await postgres.query("select expires_at from messaging_relay_claim")[0]
            .get("expires_at")
    }

    /// How many shards each living replica has.
    func shardsByOwner() async throws -> [UUID: Int] {
        let rows = try await postgres.query(
            """
            select owner, count(*) as shards from messaging_cursor
            where owner is not null and lease_expires_at > now() group by owner
            """)
        return try Dictionary(
            uniqueKeysWithValues: rows.map { (try $0.get("owner"), try $0.get("shards")) })
    }
}

extension Telemetry {
    /// How often PostgreSQL was called and answered.
    var databaseCalls: Int {
        metrics.counter(
            "grapevine_postgres_queries_total", help: "Calls to PostgreSQL by result.",
            [("result", "ok")]
        ).value
    }
}

extension LogEvent {
    /// The number that the test gave it.
    var number: Int? { properties["number"]?.integer }
}

extension MemoryLog {
    /// The numbers of a client's events, in the log's order.
    func numbers(of client: ClientID) -> [Int] {
        events.filter { $0.clientID == client }.compactMap(\.number)
    }
}

/// Looks again and again until the condition holds.
func eventually(
    within limit: Duration = .seconds(30), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    try await eventually(
        "the condition holds", within: limit, sourceLocation: sourceLocation, condition)
}
