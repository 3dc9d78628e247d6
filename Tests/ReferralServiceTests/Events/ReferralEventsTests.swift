import Contracts
import FoundationEssentials
import Kernel
import MessagingKit
import PostgresKit
import Synchronization
import TestKit
import Testing

@testable import ReferralService

@Suite(.timeLimit(.minutes(2))) struct ReferralEventsTests {
    /// The subscriber's work over a real database, with links of `a` and `c`.
    private struct Bench {
        let events: ReferralEvents
        let postgres: PostgresClient
        let client: ClientID
        let campaign: CampaignDefinition
        let a: LinkRow
        let c: LinkRow

        func apply(_ batch: [LogEvent]) async throws {
            try await postgres.withTransaction { try await events.apply(batch, in: $0) }
        }

        /// Everything that the tables hold, without ids that are new each time.
        func state() async throws -> [String] {
            var state: [String] = []
            for table in [
                "referral_visitor_touch", "referral_touch", "referral_visitor", "referral_email",
                "referral_share",
            ] {
                let rows = try await postgres.query(
                    "select row(kept.*)::text as text from \(identifier: table) kept order by 1")
                state += try rows.map { "\(table) \(try $0.get("text", as: String.self))" }
            }
            let rows = try await postgres.query(
                "select referee_id, referrer_id, link_id from referral_attribution order by 1")
            for row in rows {
                let pair: [ParticipantID] = [try row.get("referee_id"), try row.get("referrer_id")]
                state.append("attribution \(pair)")
            }
            return state
        }

        func outbox(_ type: String) async throws -> Int {
            let pattern = "%\"\(type)\"%"
            let row = try await postgres.queryOne(
                """
                select count(*) as n from messaging_outbox
                where convert_from(body, 'UTF8') like \(pattern)
                """)
            return try row?.get("n") ?? -1
        }
    }

    private func withBench(_ body: (Bench) async throws -> Void) async throws {
        let migrations = MessagingMigrations.all + ReferralMigrations.all
        try await TestPostgres.shared().withDatabase(migrations) { database in
            let postgres = database.client()
            let world = World()
            let outbox = Outbox(
                service: .referral, postgres: postgres,
                log: NoLog(), world: world)
            let client = ClientID(UUID())
            let campaigns = CampaignStore(postgres: postgres)
            let messages = ReferralMessages(ids: world.ids)
            let links = LinkStore(
                postgres: postgres, outbox: outbox, messages: messages, world: world,
                random: { count in (0..<count).map { _ in UInt8.random(in: 0...255) } })
            let campaign = try sampleCampaign(client)
            try await postgres.withTransaction {
                try await campaigns.take(campaign, changedAt: SystemClock().now(), in: $0)
            }
            let bench = Bench(
                events: ReferralEvents(
                    news: NewsTaking(campaigns: campaigns),
                    attributions: AttributionStore(), outbox: outbox, messages: messages,
                    hash: KeyedHash(secret: [1]), ids: world.ids),
                postgres: postgres, client: client, campaign: campaign,
                a: try await links.issue(
                    campaign.campaignID, .named("a", of: client), of: client,
                    businessOffset: .zero),
                c: try await links.issue(
                    campaign.campaignID, .named("c", of: client), of: client, businessOffset: .zero)
            )
            try await body(bench)
            await postgres.shutdown()
        }
    }

    /// A busy minute: shares, touches of all kinds, mailboxes, people who become known.
    private func minute(_ bench: Bench) -> [LogEvent] {
        var events: [LogEvent] = []
        for number in 0..<120 {
            let link = number.isMultiple(of: 3) ? bench.c : bench.a
            let visitor = "v\(number % 40)"
            let person = number >= 60 ? "p\(number % 30)" : nil
            events.append(
                sampleEvent(
                    number % 10 == 9 ? "referral_shared" : "page_viewed", of: bench.client,
                    person: person, visitor: visitor,
                    code: number.isMultiple(of: 4) ? link.code : nil,
                    properties: ["code": .string(link.code), "channel": "x"],
                    traits: person.map { ["email": .string("\($0)@example.com")] },
                    eventID: "e\(number)"))
        }
        return events
    }

    @Test func `events delivered again, in other batches, leave the same`() async throws {
        try await withBench { bench in
            let all = minute(bench)
            try await bench.apply(all)
            let once = try await bench.state()
            let told = try await bench.outbox(ReferralMessage.attributed)
            #expect(told > 10)
            #expect(try await bench.outbox(ReferralMessage.shared) == 12)
            for batch in [all, Array(all[20..<90]), Array(all[100...]), Array(all[..<7])] {
                try await bench.apply(batch)
                #expect(try await bench.state() == once)
            }
            #expect(try await bench.outbox(ReferralMessage.attributed) == told)
            #expect(try await bench.outbox(ReferralMessage.shared) == 12)
        }
    }

    @Test func `a batch in parts is the same as a batch in one`() async throws {
        var states: [[String]] = []
        for size in [120, 1, 7] {
            try await withBench { bench in
                let all = minute(bench)
                for start in stride(from: 0, to: all.count, by: size) {
                    try await bench.apply(Array(all[start..<min(start + size, all.count)]))
                }
                let rows = try await bench.postgres.query("select from referral_touch")
                states.append(["\(rows.count)"])
                let owners = try await bench.postgres.query(
                    """
                    select link_id, count(*) as n from referral_attribution
                    group by link_id order by link_id
                    """)
                let count = try owners.map { row -> String in
                    let link: LinkID = try row.get("link_id")
                    return "\(link == bench.a.linkID ? "a" : "c") \(try row.get("n", as: Int.self))"
                }
                states.append(count.sorted())
            }
        }
        #expect(states[0] == states[2] && states[2] == states[4])
        #expect(states[1] == states[3] && states[3] == states[5])
    }

    @Test func `codes and clicks of one client mean nothing to another`() async throws {
        try await withBench { bench in
            let stranger = ClientID(UUID())
            let clickID = ClickID(UUID())
            try await bench.postgres.execute(
                """
                insert into referral_click values (\(bench.client), \(clickID),
                    \(bench.a.linkID), \(SystemClock().now()), \([UInt8](repeating: 1, count: 32)),
                    \([UInt8](repeating: 1, count: 32)), 'https://shop.example/')
                """)
            try await bench.apply([
                sampleEvent(
                    "referral_shared", of: stranger, person: "x",
                    properties: ["code": .string(bench.a.code)]),
                sampleEvent(of: stranger, person: "x", visitor: "v", code: bench.a.code),
                sampleEvent(of: stranger, person: "y", click: clickID.description),
                sampleEvent(of: bench.client, person: "z", click: clickID.description),
            ])
            let rows = try await bench.postgres.query(
                "select client_id, referee_id from referral_attribution")
            #expect(rows.count == 1)
            #expect(try rows[0].get("client_id", as: ClientID.self) == bench.client)
            #expect(try await bench.outbox(ReferralMessage.shared) == 0)
        }
    }

    @Test func `the database refuses that anybody brings themselves`() async throws {
        try await withBench { bench in
            for table in ["referral_attribution_not_self", "referral_conversion_not_self"] {
                let person = ParticipantID.named("a", of: bench.client)
                let now = SystemClock().now()
                let insert: SQL =
                    table == "referral_attribution_not_self"
                    ? """
                    insert into referral_attribution values (\(bench.client), \(person),
                        \(UUID()), \(person), \(bench.a.linkID), null, \(now), \(now), 'server',
                        'e')
                    """
                    : """
                    insert into referral_conversion values (\(UUID()), \(bench.client),
                        \(UUID()), 1, 'signup', 's', \(person), \(person), \(bench.a.linkID),
                        null, null, null, null, \(UUID()), \(now), \(now))
                    """
                do {
                    try await bench.postgres.execute(insert)
                    Issue.record("\(table) did not refuse")
                } catch let error as PostgresError {
                    #expect(error.constraint == table)
                }
            }
        }
    }

    @Test func `one person has at most five mailboxes`() async throws {
        try await withBench { bench in
            for _ in 0..<2 {
                try await bench.apply(
                    (0..<8).map { number in
                        sampleEvent(
                            of: bench.client, person: "p",
                            traits: ["email": .string("p\(number)@example.com")])
                    })
            }
            for text in ["no address", "", "a\u{0}@b.c"] {
                try await bench.apply([
                    sampleEvent(of: bench.client, person: "q", traits: ["email": .string(text)])
                ])
            }
            let row = try await bench.postgres.queryOne("select count(*) as n from referral_email")
            #expect(try row?.get("n") == 5)
        }
    }

    @Test func `ids no text column holds are passed over`() async throws {
        try await withBench { bench in
            try await bench.apply([
                sampleEvent(of: bench.client, visitor: "v\u{0}", code: bench.a.code),
                sampleEvent(
                    "referral_shared", of: bench.client, person: "p",
                    properties: ["code": .string(bench.a.code), "channel": "a\u{0}"]),
            ])
            #expect(try await bench.outbox(ReferralMessage.shared) == 1)
        }
    }

    @Test func `news that cannot be read is put aside`() async throws {
        try await withBench { bench in
            let now = SystemClock().now()
            let event = LogEvent(
                position: LogPosition(shard: 0, position: 1), eventID: "e",
                type: CampaignMessage.activated, clientID: bench.client, occurredAt: now,
                receivedAt: now, trust: .internal, properties: ["campaign_id": 1])
            await #expect(throws: PoisonEvent.self) { try await bench.apply([event]) }
        }
    }

    @Test func `a code that is taken is drawn again`() async throws {
        try await withBench { bench in
            let draws = Mutex(0)
            let postgres = bench.postgres
            let links = LinkStore(
                postgres: postgres, outbox: bench.events.outbox, messages: bench.events.messages,
                world: World(),
                random: { count in
                    let draw = draws.withLock { draws in
                        draws += 1
                        return draws
                    }
                    return [UInt8](repeating: draw < 4 ? 0 : 1, count: count)
                })
            let campaign = bench.campaign.campaignID
            let one = try await links.issue(
                campaign, .named("x", of: bench.client), of: bench.client, businessOffset: .zero)
            let two = try await links.issue(
                campaign, .named("y", of: bench.client), of: bench.client, businessOffset: .zero)
            #expect(one.code == "22222222")
            #expect(two.code == "33333333")
            #expect(draws.withLock { $0 } == 4)
        }
    }
}

/// A log that nobody reaches: what is told stays in the outbox.
private struct NoLog: LogPort {
    func append(_ messages: [LogMessage]) async throws(LogError) -> [LogAppendResult] {
        throw .unavailable(reason: "away")
    }

    func feed(_ request: FeedRequest) async throws(LogError) -> FeedPage {
        throw .unavailable(reason: "away")
    }

    func shardCount() async throws(LogError) -> Int { throw .unavailable(reason: "away") }
}
