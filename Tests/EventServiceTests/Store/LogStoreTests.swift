import Contracts
import FoundationEssentials
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import EventService

@Suite(.timeLimit(.minutes(2))) struct LogStoreTests {
    private let clock = TestClock()

    private func withStore(
        faults: any FaultInjector = NoFaults(),
        _ body: (LogStore, PostgresClient) async throws -> Void
    ) async throws {
        try await TestPostgres.shared().withDatabase(EventMigrations.all) { database in
            let client = database.client()
            try await RetentionStore(postgres: client).rotateGenerations(at: clock.now())
            try await body(LogStore(postgres: client, faults: faults), client)
            await client.shutdown()
        }
    }

    private func event(
        _ id: String, type: String = "signup", body: String = "{}", of client: ClientID
    ) -> PendingEvent {
        PendingEvent(
            clientID: client, campaignID: nil, type: type, facets: [],
            identity: EventEnvelope.identity(of: id, client, said: .client),
            bodyHash: EventEnvelope.identity(of: body, client, said: .client),
            envelope: Array(body.utf8))
    }

    private func told(_ position: Int, by subscriber: String) -> Acknowledgement {
        Acknowledgement(subscriber: subscriber, shard: 2, position: position)
    }

    @Test func `positions are gapless under parallel appends and each id is there once`()
        async throws
    {
        try await withStore { store, client in
            let tenant = ClientID(UUID())
            let now = clock.now()
            let accepted = try await withThrowingTaskGroup(of: [Int].self) { group in
                for writer in 0..<40 {
                    group.addTask {
                        // Every id is sent by four writers at once.
                        let events = (0..<25).map { event("\(writer / 4)-\($0)", of: tenant) }
                        return try await store.append(events, to: 3, at: now).outcomes.compactMap {
                            if case .accepted(let position) = $0 { position } else { nil }
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(accepted.sorted() == Array(1...250))
            let rows = try await client.queryOne(
                """
                select (select head from log_shard where shard = 3) as head,
                    (select sum(last_position - first_position + 1)::bigint
                        from log_segment) as kept,
                    (select count(*) from event_identity) as known
                """)
            let row = try #require(rows)
            #expect(try row.get("head") == 250)
            #expect(try row.get("kept") == 250)
            #expect(try row.get("known") == 250)
        }
    }

    @Test func `an append is two round trips at first and then one, and so is a reader's question`()
        async throws
    {
        try await TestPostgres.shared().withDatabase(EventMigrations.all) { database in
            let telemetry = Telemetry()
            let client = PostgresClient(database.configuration, telemetry: telemetry)
            try await RetentionStore(postgres: client).rotateGenerations(at: clock.now())
            let store = LogStore(postgres: client, faults: NoFaults())
            let tenant = ClientID(UUID())
            let before = telemetry.databaseCalls
            let appended = try await store.append(
                (0..<1200).map { event("\($0)", of: tenant) }, to: 1, at: clock.now())
            #expect(appended.segments.count == 3)
            #expect(telemetry.databaseCalls == before + 2)
            let tail = LogTailCache(shards: 8)
            let reading = FeedStore(postgres: client)
            let feed = LogFeed(
                store: reading, tail: tail, signals: (0..<8).map { _ in WakeSignal() },
                shards: .installed,
                acknowledgements: Acknowledgements(store: reading, world: World(clock: clock)))
            _ = try await feed.page(FeedRequest(subscriber: nil, shard: 1, after: 1200))
            #expect(telemetry.databaseCalls == before + 3)
            tail.append(appended.segments, to: 1)
            _ = try await feed.page(FeedRequest(subscriber: nil, shard: 1, after: 10))
            #expect(telemetry.databaseCalls == before + 3)
            let more = (1200..<1300).map { event("\($0)", of: tenant) }
            _ = try await store.append(more, to: 1, at: clock.now())
            #expect(telemetry.databaseCalls == before + 4)
            let again = try await store.append(more, to: 1, at: clock.now())
            #expect(again.outcomes == (1201...1300).map { .duplicate(position: $0) })
            await client.shutdown()
        }
    }

    @Test func `the tail keeps within its bytes, whichever shards have them`() throws {
        let tail = LogTailCache(shards: 3, maximumBytes: 10_000)
        let tenant = ClientID(UUID())
        var heads = [0, 0, 0]
        for round in 0..<60 {
            let shard = round % 10 == 0 ? round / 10 % 3 : 1
            let events = (0..<5).map { event("\(round)-\($0)", of: tenant) }
            tail.append(
                SegmentDraft.cut(
                    events, facets: events.map(\.facets), after: heads[shard]), to: shard)
            heads[shard] += events.count
        }
        var bytes = 0
        for shard in heads.indices {
            for after in 0..<heads[shard] {
                guard let found = tail.segments(of: shard, after: after, limit: 1000) else {
                    continue
                }
                // The newest are always there, without a hole.
                #expect(found.head == heads[shard])
                bytes += found.segments.reduce(0) { $0 + $1.body.count }
                break
            }
        }
        #expect(bytes > 0 && bytes <= 10_000)
    }

    @Test(arguments: [0, 4, 7])
    func `an id is known across generations for at least eight days`(day: Int) async throws {
        let first = Generation(clock.now()).number + Generation.days
        clock.advance(by: .seconds(86_400) * (first + day - Int(clock.now().unixSeconds / 86_400)))
        try await withStore { store, client in
            let tenant = ClientID(UUID())
            func append(_ id: String, after days: Int) async throws -> AppendOutcome? {
                clock.advance(by: .seconds(86_400) * days)
                try await RetentionStore(postgres: client).rotateGenerations(at: clock.now())
                return try await store.append([event(id, of: tenant)], to: 0, at: clock.now())
                    .outcomes.first
            }
            var outcome = try await append("a", after: 0)
            #expect(outcome == .accepted(position: 1))
            for _ in 0..<8 {
                outcome = try await append("a", after: 1)
                #expect(outcome == .duplicate(position: 1))
            }
            outcome = try await append("b", after: 0)
            #expect(outcome == .accepted(position: 2))
            #expect(try await generations(of: 0, client) == [first, first + 8])
            outcome = try await append("a", after: 8 - day)
            #expect(outcome == .accepted(position: 3))
            #expect(try await generations(of: 0, client) == [first + 8, first + 16])
        }
    }

    @Test func `a day's table of an earlier version is kept for as long as its ids count`() {
        func time(_ day: Int) -> Timestamp { Timestamp(microseconds: Int64(day) * 86_400_000_000) }
        let first = Generation(clock.now()).number
        for day in first..<first + 8 {
            #expect((day...day + 8).allSatisfy { !Generation(number: day).isSpent(at: time($0)) })
            #expect(Generation(number: day).isSpent(at: time(day + 16)))
        }
        #expect(Generation.needed(at: time(first + 7)) == [first - 8, first, first + 8])
        #expect(
            Generation.written([first - 9, first - 8, first - 1], at: time(first + 3)) == [
                first - 8, first - 1, first,
            ])
    }

    /// Where an append looks for repeats.
    private func generations(of shard: Int, _ client: PostgresClient) async throws -> [Int] {
        let rows = try await client.query(
            "select generations from log_shard where shard = \(shard)")
        return try #require(rows.first).get("generations")
    }

    @Test func `segments are read back as they were written`() async throws {
        try await withStore { store, client in
            let tenant = ClientID(UUID())
            let events = (0..<1200).map { event("\($0)", body: "{\"n\":\($0)}", of: tenant) }
            _ = try await store.append(events, to: 1, at: clock.now())
            let feed = FeedStore(postgres: client)
            let found = try await feed.segments(of: 1, after: 500, limit: 10)
            let (segments, head) = (found.segments, found.head)
            let rest = try await feed.segments(of: 1, after: 1200, limit: 10)
            #expect(head == 1200 && rest.head == 1200 && rest.segments.isEmpty)
            #expect(segments.map(\.firstPosition) == [501, 1001])
            let entry = try #require(segments.last?.header.entries.last)
            let body = try #require(segments.last?.body)
            let text = String(
                decoding: body[entry.offset..<(entry.offset + entry.length)], as: UTF8.self)
            #expect(text == #"{"n":1199}"#)
        }
    }

    @Test func `what a reader has no room for is not read, but for its first segment`()
        async throws
    {
        try await withStore { store, client in
            let tenant = ClientID(UUID())
            for batch in [0..<300, 300..<500, 500..<900] {
                let events = batch.map { event("\($0)", of: tenant) }
                _ = try await store.append(events, to: 1, at: clock.now())
            }
            let feed = FeedStore(postgres: client)
            func found(
                after: Int, room: Int, wanted: Wanted = .everything
            ) async throws -> [Int] {
                let found = try await feed.segments(
                    of: 1, after: after, limit: 10, room: room, wanted: wanted)
                #expect(found.head == 900)
                return found.segments.map(\.lastPosition)
            }
            for (after, room, expected) in [
                (0, 500, [300, 500]), (0, 499, [300]), (0, 100, [300]), (200, 500, [300, 500]),
                (500, 500, [900]), (600, 100, [900]), (900, 500, []),
            ] {
                let all = try await found(after: after, room: room)
                let chosen = try await found(
                    after: after, room: room, wanted: Wanted(types: ["signup"]))
                #expect(all == expected && chosen == expected)
            }
            let few = try await found(after: 0, room: 1, wanted: Wanted(types: ["purchase"]))
            #expect(few == [300, 500, 900])
            // Retention took what the reader asks for: it is given what comes next.
            _ = try await client.execute("delete from log_segment where last_position = 300")
            let next = try await found(after: 0, room: 100)
            #expect(next == [500])
        }
    }

    @Test
    func `a reader that wants little gets the bodies of segments in which something is wanted`()
        async throws
    {
        try await withStore { store, client in
            let tenant = ClientID(UUID())
            let events = (0..<1200).map { number in
                event(
                    "\(number)", type: number == 700 ? "purchase" : "signup",
                    body: "{\"n\":\(number)}", of: tenant)
            }
            _ = try await store.append(events, to: 1, at: clock.now())
            let feed = FeedStore(postgres: client)
            let all = try await feed.segments(of: 1, after: 0, limit: 10)
            let some = try await feed.segments(
                of: 1, after: 0, limit: 10, wanted: Wanted(types: ["purchase"]))
            #expect(some.head == 1200)
            #expect(some.segments.map(\.header) == all.segments.map(\.header))
            #expect(some.segments.map(\.lastPosition) == [500, 1000, 1200])
            #expect(some.segments.map(\.body) == [[], all.segments[1].body, []])
            let nothing = try await feed.segments(
                of: 1, after: 500, limit: 10, wanted: Wanted(types: ["refund"]))
            #expect(nothing.segments.map(\.body) == [[], []])
        }
    }

    @Test func `retention waits for every subscriber and then for nobody`() async throws {
        try await withStore { store, client in
            let tenant = ClientID(UUID())
            let feed = FeedStore(postgres: client)
            let retention = RetentionStore(postgres: client)
            _ = try await store.append([event("a", of: tenant)], to: 2, at: clock.now())
            try await feed.acknowledge(
                [told(1, by: "fast"), told(0, by: "slow")], at: clock.now())
            let later = clock.now() + .seconds(100)
            let long = clock.now() - .seconds(1)
            var deleted = try await retention.deleteSegments(
                spentBefore: later, overdueBefore: long)
            #expect(deleted == (0, 0))
            try await feed.acknowledge([told(1, by: "slow")], at: clock.now())
            try await feed.acknowledge([told(0, by: "slow")], at: clock.now())
            deleted = try await retention.deleteSegments(spentBefore: later, overdueBefore: long)
            #expect(deleted == (1, 0), "an acknowledgement never moves back")
            _ = try await store.append([event("b", of: tenant)], to: 2, at: clock.now())
            deleted = try await retention.deleteSegments(spentBefore: long, overdueBefore: later)
            #expect(deleted == (0, 1))
        }
    }

    @Test func `replicas may rotate generations together`() async throws {
        try await TestPostgres.shared().withDatabase(EventMigrations.all) { database in
            let client = database.client()
            let now = clock.now()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await RetentionStore(postgres: client).rotateGenerations(at: now)
                    }
                }
                try await group.waitForAll()
            }
            await client.shutdown()
        }
    }
}
