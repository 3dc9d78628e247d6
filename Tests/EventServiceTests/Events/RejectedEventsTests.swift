import Contracts
import FoundationEssentials
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import EventService

@Suite(.timeLimit(.minutes(2))) struct RejectedEventsTests {
    private let clock = TestClock()

    private func with(
        _ limits: RejectionLimits = RejectionLimits(),
        _ body: (RejectedEvents, World) async throws -> Void
    ) async throws {
        try await TestPostgres.shared().withDatabase(EventMigrations.all) { database in
            let client = database.client()
            let world = World(clock: clock)
            try await body(
                RejectedEvents(
                    store: RejectedEventStore(postgres: client), limits: limits, world: world),
                world)
            await client.shutdown()
        }
    }

    private func event(
        _ keeper: RejectedEvents, of client: ClientID, _ body: String = "{}"
    ) -> RejectedEvent {
        RejectedEvent(
            keeper.nextID(), .notAnObject, eventID: "a\u{0}b",
            sent: SentEvent(Array(body.utf8)[...], type: "t\n"),
            IngestContext(
                clientID: client, trust: .browser, receivedAt: clock.now(), traceparent: ""))
    }

    private func kept(_ keeper: RejectedEvents, of client: ClientID) async throws -> [RejectedEvent]
    {
        try await keeper.store.list(of: client, RejectionFilter(), before: nil, limit: 1_000_000)
    }

    @Test func `control characters that the database cannot take become blanks`() async throws {
        try await with { keeper, _ in
            let client = ClientID(UUID())
            await keeper.keep([event(keeper, of: client)])
            try await eventually("kept") { try await kept(keeper, of: client).count == 1 }
            let one = try await kept(keeper, of: client)[0]
            #expect(one.eventID == "a b")
            #expect(one.sent.type == "t ")
        }
    }

    @Test func `what is too old goes, and of what is too much the oldest`() async throws {
        let limits = RejectionLimits(age: .seconds(60), events: 5, bytes: 1000)
        try await with(limits) { keeper, world in
            let (many, large, old) = (ClientID(UUID()), ClientID(UUID()), ClientID(UUID()))
            try await keeper.store.insert([event(keeper, of: old)])
            clock.advance(by: .seconds(61))
            let numbered = (0..<8).map { event(keeper, of: many, "\($0)") }
            try await keeper.store.insert(numbered)
            let bodies = (0..<4).map { _ in
                event(keeper, of: large, String(repeating: "x", count: 300))
            }
            try await keeper.store.insert(bodies)
            try await keeper.tidy()
            #expect(try await kept(keeper, of: old).isEmpty)
            #expect(
                try await kept(keeper, of: many).map(\.rejectionID)
                    == numbered.suffix(5).reversed().map(\.rejectionID))
            #expect(try await kept(keeper, of: large).count == 3)
            let metrics = world.telemetry.metrics.render()
            let forgotten = "grapevine_event_rejected_forgotten_total"
            #expect(metrics.contains(#"\#(forgotten){reason="age"} 1"#))
            #expect(metrics.contains(#"\#(forgotten){reason="room"} 4"#))
        }
    }

    @Test func `a flood is trimmed while it comes`() async throws {
        try await with(RejectionLimits(events: 100)) { keeper, _ in
            let client = ClientID(UUID())
            for _ in 0..<3 {
                await keeper.keep((0..<1000).map { _ in event(keeper, of: client) })
            }
            try await eventually("the oldest are gone") {
                try await kept(keeper, of: client).count == 100
            }
        }
    }

    @Test func `without a database nothing waits for ever, and what is lost is counted`()
        async throws
    {
        let world = World(clock: clock)
        let nowhere = PostgresClient(
            try PostgresConfiguration(url: "postgresql://nobody@127.0.0.1:1/nothing"),
            telemetry: world.telemetry)
        let keeper = RejectedEvents(
            store: RejectedEventStore(postgres: nowhere), limits: RejectionLimits(), world: world)
        let client = ClientID(UUID())
        let flood = (0..<3000).map { _ in event(keeper, of: client) }
        await keeper.keep(flood)
        let unkept = "grapevine_event_rejected_unkept_total"
        #expect(world.telemetry.metrics.render().contains(#"\#(unkept){reason="queue"} 500"#))
        try await eventually("the rest is given up", within: .seconds(60)) {
            world.telemetry.metrics.render().contains(#"\#(unkept){reason="database"} 2500"#)
        }
        await keeper.keep([event(keeper, of: client)])
        try await eventually("there is room again", within: .seconds(60)) {
            world.telemetry.metrics.render().contains(#"\#(unkept){reason="database"} 2501"#)
        }
        await nowhere.shutdown()
    }
}
