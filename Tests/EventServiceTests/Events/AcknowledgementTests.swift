import Contracts
import FoundationEssentials
import Kernel
import MessagingKit
import PostgresKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

@Suite(.timeLimit(.minutes(5))) struct AcknowledgementTests {
    private let clock = TestClock()

    private func with(
        _ body: (Acknowledgements, PostgresClient, Telemetry) async throws -> Void
    ) async throws {
        try await TestPostgres.shared().withDatabase(EventMigrations.all) { database in
            let client = database.client()
            let telemetry = Telemetry()
            let counted = PostgresClient(database.configuration, telemetry: telemetry)
            let told = Acknowledgements(
                store: FeedStore(postgres: counted), world: World(clock: clock))
            try await body(told, client, telemetry)
            await counted.shutdown()
            await client.shutdown()
        }
    }

    private func written(_ client: PostgresClient) async throws -> [String: Int] {
        let rows = try await client.query(
            "select subscriber || ':' || shard as key, acknowledged from log_subscriber")
        return try Dictionary(
            uniqueKeysWithValues: rows.map { (try $0.get("key"), try $0.get("acknowledged")) })
    }

    @Test func `who asks for the first time is written down before the answer`() async throws {
        try await with { told, client, _ in
            try await told.tell(0, of: 3, by: "new")
            #expect(try await written(client) == ["new:3": 0])
        }
    }

    @Test func `what is told a thousand times is written together, and never more than was told`()
        async throws
    {
        try await with { told, client, telemetry in
            for shard in 0..<2 { try await told.tell(0, of: shard, by: "busy") }
            let calls = telemetry.databaseCalls
            for position in 1...500 {
                try await told.tell(position, of: 0, by: "busy")
                try await told.tell(1000 - position, of: 1, by: "busy")
            }
            #expect(telemetry.databaseCalls == calls)
            try await told.write()
            #expect(telemetry.databaseCalls == calls + 1)
            #expect(try await written(client) == ["busy:0": 500, "busy:1": 999])
            try await told.write()
            #expect(telemetry.databaseCalls == calls + 1)
        }
    }

    @Test func `what was told is written within a moment, and at the end`() async throws {
        try await with { told, client, _ in
            try await told.tell(0, of: 0, by: "reader")
            let life = Task { await told.run() }
            try await told.tell(5, of: 0, by: "reader")
            try await eventually("the first is written") {
                try await written(client) == ["reader:0": 5]
            }
            try await told.tell(9, of: 0, by: "reader")
            life.cancel()
            await life.value
            #expect(try await written(client) == ["reader:0": 9])
        }
    }

    @Test func `what could not be written is written later`() async throws {
        try await with { told, client, _ in
            try await told.tell(0, of: 0, by: "reader")
            try await client.execute("alter table log_subscriber rename to elsewhere")
            try await told.tell(7, of: 0, by: "reader")
            await #expect(throws: PostgresError.self) { try await told.write() }
            try await client.execute("alter table elsewhere rename to log_subscriber")
            try await told.write()
            #expect(try await written(client) == ["reader:0": 7])
        }
    }

    @Test func `retention decides by what was told, not by what was written`() async throws {
        try await with { told, client, _ in
            let store = LogStore(postgres: client, faults: NoFaults())
            let retention = RetentionStore(postgres: client)
            try await retention.rotateGenerations(at: clock.now())
            let tenant = ClientID(UUID())
            _ = try await store.append(
                [
                    PendingEvent(
                        clientID: tenant, campaignID: nil, type: "signup", facets: [],
                        identity: UUID(), bodyHash: UUID(), envelope: Array("{}".utf8))
                ], to: 2, at: clock.now())
            try await told.tell(0, of: 2, by: "slow")
            clock.advance(by: .seconds(100))
            let work = SegmentRetention(
                store: retention, acknowledgements: told, keep: .seconds(10),
                cap: .seconds(1000), world: World(clock: clock))
            try await work.run()
            #expect(try await segments(client) == 1)
            try await told.tell(1, of: 2, by: "slow")
            try await work.run()
            #expect(try await segments(client) == 0)
        }
    }

    private func segments(_ client: PostgresClient) async throws -> Int {
        try await client.query("select count(*) as n from log_segment")[0].get("n")
    }

    @Test func `what subscribers told survives the service's end`() async throws {
        try await EventHarness.run { harness in
            let log = HTTPLog(peer: harness.peer)
            for after in 0..<5 {
                _ = try await log.feed(FeedRequest(subscriber: "t", shard: 1, after: after))
            }
            await harness.service.stop()
            let client = PostgresClient(
                try PostgresConfiguration(url: harness.database.url), telemetry: Telemetry())
            #expect(try await written(client) == ["t:1": 4])
            await client.shutdown()
        }
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
