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
    @Test func `events delivered again, in other batches, leave the same`() async throws {
        try await EventBench.with { bench in
            let all = bench.minute()
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
            try await EventBench.with { bench in
                let all = bench.minute()
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
        try await EventBench.with { bench in
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
        try await EventBench.with { bench in
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
        try await EventBench.with { bench in
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
        try await EventBench.with { bench in
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
        try await EventBench.with { bench in
            let now = SystemClock().now()
            let event = LogEvent(
                position: LogPosition(shard: 0, position: 1), eventID: "e",
                type: CampaignMessage.activated, clientID: bench.client, occurredAt: now,
                receivedAt: now, trust: .internal, properties: ["campaign_id": 1])
            await #expect(throws: PoisonEvent.self) { try await bench.apply([event]) }
        }
    }

    @Test func `a code that is taken is drawn again`() async throws {
        try await EventBench.with { bench in
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
