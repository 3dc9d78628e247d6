import Contracts
import FoundationEssentials
import Kernel
import MessagingKit
import PostgresKit
import TestKit

@testable import ReferralService

/// The subscriber's work over a real database, with links of `a` and `c`.
struct EventBench {
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

    static func with(_ body: (EventBench) async throws -> Void) async throws {
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
            let bench = EventBench(
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
    func minute() -> [LogEvent] {
        var events: [LogEvent] = []
        for number in 0..<120 {
            let link = number.isMultiple(of: 3) ? c : a
            let visitor = "v\(number % 40)"
            let person = number >= 60 ? "p\(number % 30)" : nil
            events.append(
                sampleEvent(
                    number % 10 == 9 ? "referral_shared" : "page_viewed", of: client,
                    person: person, visitor: visitor,
                    code: number.isMultiple(of: 4) ? link.code : nil,
                    properties: ["code": .string(link.code), "channel": "x"],
                    traits: person.map { ["email": .string("\($0)@example.com")] },
                    eventID: "e\(number)"))
        }
        return events
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
