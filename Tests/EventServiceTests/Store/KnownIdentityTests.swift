import FoundationEssentials
import Kernel
import PostgresKit
import SecurityKit
import TestKit
import Testing

@testable import EventService

/// The log's ids with a real database: what a process knows never lets a repeat through.
@Suite(.timeLimit(.minutes(2))) struct KnownIdentityTests {
    private let clock = TestClock()
    private let tenant = ClientID(UUID())

    private func withDatabase(_ body: (PostgresClient) async throws -> Void) async throws {
        try await TestPostgres.shared().withDatabase(EventMigrations.all) { database in
            let client = database.client()
            try await RetentionStore(postgres: client).rotateGenerations(at: clock.now())
            try await body(client)
            await client.shutdown()
        }
    }

    private func events(_ numbers: Range<Int>) -> [PendingEvent] {
        numbers.map {
            let identity = EventEnvelope.identity(of: "\($0)", tenant, said: .client)
            return PendingEvent(
                clientID: tenant, campaignID: nil, type: "signup", facets: [],
                identity: identity, bodyHash: identity, envelope: Array("{}".utf8))
        }
    }

    private func accepted(_ appended: Appended) -> Int {
        appended.outcomes.count { if case .accepted = $0 { true } else { false } }
    }

    @Test func `replicas that write in turn and together take each id once`() async throws {
        try await withDatabase { client in
            let stores = (0..<3).map { _ in LogStore(postgres: client, faults: NoFaults()) }
            var total = 0
            for round in 0..<40 {
                let first = Int.random(in: max(0, round * 10 - 30)...round * 10)
                let batch = events(first..<first + 25)
                if round % 4 == 0 {
                    total += try await withThrowingTaskGroup(of: Int.self) { group in
                        for store in stores {
                            group.addTask {
                                try await accepted(store.append(batch, to: 1, at: clock.now()))
                            }
                        }
                        return try await group.reduce(0, +)
                    }
                } else {
                    let store = stores[round % 7 == 0 ? 1 : 0]
                    total += try await accepted(store.append(batch, to: 1, at: clock.now()))
                }
                if round % 9 == 0 {
                    try await stores[0].identities.learn(stores[0], since: .now)
                }
            }
            let row = try await client.queryOne(
                "select count(*) as ids, count(distinct identity) as known from event_identity")
            #expect(try row?.get("ids", as: Int.self) == total)
            #expect(try row?.get("known", as: Int.self) == total)
        }
    }

    @Test func `of new ids and known ones in one batch each is taken once`()
        async throws
    {
        try await withDatabase { client in
            let store = LogStore(postgres: client, faults: NoFaults())
            for start in stride(from: 0, to: 400, by: 100) {
                let new = try await store.append(
                    events(start..<start + 100), to: 1, at: clock.now())
                #expect(accepted(new) == 100)
            }
            let mixed = try await store.append(
                events(0..<1) + events(400..<500), to: 1, at: clock.now())
            #expect(mixed.outcomes.first == .duplicate(position: 1))
            #expect(accepted(mixed) == 100)
            let twice = try await store.append(
                events(500..<600) + events(599..<600), to: 1, at: clock.now())
            #expect(twice.outcomes.last == .duplicate(position: 600))
            let row = try await client.queryOne(
                """
                select head, (select count(*) from event_identity) as ids,
                    (select max(last_position) from log_segment) as last from log_shard
                where shard = 1
                """)
            for name in ["head", "ids", "last"] {
                #expect(try row?.get(name, as: Int.self) == 600)
            }
        }
    }

    @Test
    func `an id that was written past the log's lock is found by the index, and then asked for`()
        async throws
    {
        try await withDatabase { client in
            let store = LogStore(postgres: client, faults: NoFaults())
            _ = try await store.append(events(0..<10), to: 1, at: clock.now())
            let strange = events(10..<11)[0].identity
            try await client.execute(
                """
                insert into event_identity (identity, generation, body_hash, shard, position)
                values (\(strange), \(Generation(clock.now()).number)::integer, \(strange), 1, 5)
                """)
            let mixed = try await store.append(events(9..<12), to: 1, at: clock.now())
            #expect(
                mixed.outcomes == [
                    .duplicate(position: 10), .duplicate(position: 5), .accepted(position: 11),
                ])
            let next = try await store.append(events(10..<13), to: 1, at: clock.now())
            #expect(accepted(next) == 1)
        }
    }

    @Test func `a new process knows after a while what was there, and finds each repeat`()
        async throws
    {
        try await withDatabase { client in
            let before = LogStore(postgres: client, faults: NoFaults())
            for start in stride(from: 0, to: 25_000, by: 5000) {
                _ = try await before.append(
                    events(start..<start + 5000), to: 1, at: clock.now())
            }
            let store = LogStore(postgres: client, faults: NoFaults())
            func doubtful(_ numbers: Range<Int>) -> Int {
                store.identities.question(events(numbers).map(\.identity), in: 1).doubtful.count
            }
            #expect(doubtful(30_000..<30_100) == 100)
            try await store.identities.learn(store, since: .now)
            #expect(doubtful(30_000..<30_100) < 10)
            #expect(doubtful(0..<25_000) == 25_000)
            let mixed = try await store.append(
                events(24_990..<25_010), to: 1, at: clock.now())
            #expect(accepted(mixed) == 10)
            #expect(
                Array(mixed.outcomes[..<10]) == (24_991...25_000).map { .duplicate(position: $0) })
        }
    }
}
