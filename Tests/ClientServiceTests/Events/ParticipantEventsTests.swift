import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import SecurityKit
import TestKit
import Testing

@testable import ClientService

@Suite(.timeLimit(.minutes(2))) struct ParticipantEventsTests {
    private let start = Timestamp(microseconds: 1_800_000_000_000_000)

    private func withEvents(
        _ body: (ParticipantEvents, ParticipantStore, PostgresClient) async throws -> Void
    ) async throws {
        try await TestPostgres.shared().withDatabase(ClientMigrations.all) { database in
            let client = database.client()
            let store = ParticipantStore(postgres: client)
            try await body(
                ParticipantEvents(store: store, telemetry: Telemetry()), store, client)
            await client.shutdown()
        }
    }

    private func event(
        _ position: Int, of client: ClientID, _ name: String, _ traits: [String: JSONValue]? = nil,
        trust: Trust = .server
    ) -> LogEvent {
        LogEvent(
            position: LogPosition(shard: 0, position: position), eventID: "e\(position)",
            type: position == 1 ? "user_signed_up" : "seen", clientID: client,
            participant: LogParticipant(
                participantID: .derived(client: client, externalID: name), externalID: name,
                traits: traits),
            occurredAt: start + .seconds(position), receivedAt: start + .seconds(position + 1000),
            trust: trust, properties: [:])
    }

    @Test func `an erased person is forgotten, and what is told later is new`() async throws {
        try await withEvents { events, store, postgres in
            let client = ClientID(UUID())
            let person = ParticipantID.derived(client: client, externalID: "u1")
            func order(_ position: Int, trust: Trust) throws -> LogEvent {
                let data = ParticipantErased(participantID: person, anonymousIDs: [])
                return LogEvent(
                    position: LogPosition(shard: 0, position: position),
                    eventID: "order-\(position)", type: ParticipantErased.type, clientID: client,
                    occurredAt: start, receivedAt: start, trust: trust,
                    properties: try JSONCoding.parse(try JSONCoding.encode(data)))
            }
            func known() async throws -> [String] {
                try await store.list(of: client, after: nil, limit: 10).map(\.externalID).sorted()
            }
            let first = [event(1, of: client, "u1"), event(2, of: client, "u2")]
            try await postgres.withTransaction { try await events.apply(first, $0) }
            let forged = [try order(3, trust: .server)]
            try await postgres.withTransaction { try await events.apply(forged, $0) }
            #expect(try await known() == ["u1", "u2"])
            let real = [event(4, of: client, "u1", ["a": "b"]), try order(5, trust: .internal)]
            try await postgres.withTransaction { try await events.apply(real, $0) }
            #expect(try await known() == ["u2"])
            let later = [try order(6, trust: .internal), event(7, of: client, "u1")]
            try await postgres.withTransaction { try await events.apply(later, $0) }
            let again = try #require(try await store.find(person, of: client))
            #expect(again.traits == [:] && again.firstSeenAt == start + .seconds(7))
        }
    }

    @Test func `events delivered again, in other batches, leave the same profile`() async throws {
        try await withEvents { events, store, postgres in
            let client = ClientID(UUID())
            let all = (1...40).map { number in
                event(
                    number, of: client, "u\(number % 3)",
                    [
                        "n": .number(JSONNumber(number)),
                        "k\(number % 5)": .number(JSONNumber(number)),
                    ],
                    trust: number % 4 == 0 ? .browser : .server)
            }
            func profiles() async throws -> [ParticipantProfile] {
                try await store.list(of: client, after: nil, limit: 10)
            }
            try await postgres.withTransaction { try await events.apply(all, $0) }
            let once = try await profiles()
            #expect(once.count == 3)
            let first = try #require(once.first { $0.externalID == "u1" })
            #expect(first.traits["n"] == 40)
            #expect(first.trustedTraits["n"] == 37, "40 was told by a browser")
            #expect(first.firstSeenAt == start + .seconds(1))
            #expect(first.signedUpAt == start + .seconds(1))
            #expect(first.lastSeenAt == start + .seconds(1040))
            let deliveries: [[LogEvent]] = [
                all, Array(all[10..<30]), Array(all[35...]), Array(all[..<5]), all.reversed(),
                [all[7]],
            ]
            for batch in deliveries {
                try await postgres.withTransaction { try await events.apply(batch, $0) }
                #expect(try await profiles() == once)
            }
        }
    }

    @Test func `a batch in parts is the same as a batch in one`() async throws {
        try await withEvents { events, store, postgres in
            let client = ClientID(UUID())
            let other = ClientID(UUID())
            func all(_ client: ClientID) -> [LogEvent] {
                (1...60).map { event($0, of: client, "u", ["k\($0 % 7)": .number(JSONNumber($0))]) }
            }
            try await postgres.withTransaction { try await events.apply(all(client), $0) }
            for event in all(other) {
                try await postgres.withTransaction { try await events.apply([event], $0) }
            }
            let whole = try await store.list(of: client, after: nil, limit: 5)
            let parts = try await store.list(of: other, after: nil, limit: 5)
            #expect(whole.map(\.traits) == parts.map(\.traits))
            #expect(whole.map(\.firstSeenAt) == parts.map(\.firstSeenAt))
            #expect(whole.map(\.lastSeenAt) == parts.map(\.lastSeenAt))
        }
    }

    /// Which version of its row each participant has: another one for each write.
    private func versions(_ postgres: PostgresClient) async throws -> [String: String] {
        let rows = try await postgres.query(
            "select external_id, xmin::text || ' ' || ctid::text as version from participant")
        var versions: [String: String] = [:]
        for row in rows { versions[try row.get("external_id")] = try row.get("version") }
        return versions
    }

    @Test func `only those who are new, told of or not seen for a minute are written`() async throws
    {
        try await withEvents { events, store, postgres in
            let client = ClientID(UUID())
            func apply(_ batch: [LogEvent]) async throws {
                try await postgres.withTransaction { try await events.apply(batch, $0) }
            }
            func profile(_ name: String) async throws -> ParticipantProfile {
                let id = ParticipantID.derived(client: client, externalID: name)
                return try #require(try await store.find(id, of: client))
            }
            try await apply([event(2, of: client, "a", ["x": 1]), event(3, of: client, "b")])
            let first = try await versions(postgres)
            try await apply([event(20, of: client, "a"), event(61, of: client, "b")])
            #expect(try await versions(postgres) == first, "seen within the minute")
            let seen = try await profile("b")
            #expect(seen.lastSeenAt == start + .seconds(3))

            try await apply([
                event(62, of: client, "b"), event(63, of: client, "b"),
                event(61, of: client, "a"), event(61, of: client, "c"),
            ])
            let second = try await versions(postgres)
            #expect(second["a"] == first["a"] && second["b"] != first["b"])
            #expect(second.keys.sorted() == ["a", "b", "c"])
            #expect(try await profile("b").lastSeenAt == start + .seconds(63))

            let told = [event(64, of: client, "a", ["y": 2]), event(65, of: client, "c", ["x": 1])]
            try await apply(told)
            let third = try await versions(postgres)
            #expect(third["a"] != second["a"] && third["b"] == second["b"])
            let known = try await profile("a")
            #expect(known.traits == ["x": 1, "y": 2] && known.trustedTraits == known.traits)
            #expect(known.firstSeenAt == start + .seconds(2))
            #expect(known.lastSeenAt == start + .seconds(64))

            try await apply([event(123, of: client, "a"), event(125, of: client, "c", ["x": 1])])
            try await apply(told)
            let last = try await versions(postgres)
            #expect(last["a"] == third["a"] && last["c"] != third["c"])
            #expect(try await profile("c").lastSeenAt == start + .seconds(125))
            #expect(
                try await profile("a").traits == ["x": 1, "y": 2], "kept by those who only saw")
        }
    }

    @Test func `what is undone leaves nothing`() async throws {
        struct Undone: Error {}
        try await withEvents { events, store, postgres in
            let client = ClientID(UUID())
            await #expect(throws: Undone.self) {
                try await postgres.withTransaction { transaction in
                    try await events.apply([event(1, of: client, "u")], transaction)
                    throw Undone()
                }
            }
            let left = try await store.list(of: client, after: nil, limit: 5)
            #expect(left.isEmpty)
        }
    }

    @Test func `five hundred people in a batch, and traits no database can hold`() async throws {
        try await withEvents { events, store, postgres in
            let client = ClientID(UUID())
            let many = (1...500).map {
                event($0, of: client, "u\($0)", ["bad": "\u{0}", "n": .number(JSONNumber($0))])
            }
            try await postgres.withTransaction { try await events.apply(many, $0) }
            let id = ParticipantID.derived(client: client, externalID: "u77")
            #expect(try await store.find(id, of: client)?.traits == ["n": 77])
            #expect(try await store.find(id, of: ClientID(UUID())) == nil)
            let row = try await postgres.queryOne("select count(*) as n from participant")
            #expect(try row?.get("n") == 500)
        }
    }

    @Test func `an id that no text column holds is put aside, not tried for ever`() async throws {
        try await withEvents { events, _, postgres in
            let client = ClientID(UUID())
            await #expect(throws: PoisonEvent.self) {
                try await postgres.withTransaction { transaction in
                    try await events.apply([event(2, of: client, "a\u{0}")], transaction)
                }
            }
        }
    }
}
