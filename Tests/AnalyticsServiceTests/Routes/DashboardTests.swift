import ClickHouseKit
import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import AnalyticsService

/// What a client is told, and that it is only about itself.
@Suite(.timeLimit(.minutes(3))) struct DashboardTests {
    static let campaign = CampaignID(UUID())

    /// One referrer with a click, a sign-up and a purchase; another with two clicks.
    static func appendJourney(
        _ harness: AnalyticsHarness, of tenant: StandInLog.Tenant
    ) throws -> (first: ParticipantID, second: ParticipantID) {
        let first = ParticipantID.derived(client: tenant.clientID, externalID: "anna")
        let second = ParticipantID.derived(client: tenant.clientID, externalID: "ben")
        let brought = ParticipantID(UUID())
        func tell(
            _ type: String, _ referrer: ParticipantID, kind: ConversionKind? = nil,
            participant: ParticipantID? = nil
        ) throws {
            let activity = ReferralActivity(
                linkID: LinkID(UUID()), code: "CODE", referrerID: referrer,
                participantID: participant, kind: kind)
            harness.log.append(
                type, of: tenant, campaign: campaign,
                properties: try JSONCoding.parse(JSONCoding.encode(activity)))
        }
        harness.log.append(
            "user_signed_up", of: tenant,
            participant: LogParticipant(participantID: first, externalID: "anna"), trust: .server)
        try tell(ReferralMessage.shared, first)
        try tell(ReferralMessage.clicked, first)
        try tell(ReferralMessage.clicked, second)
        try tell(ReferralMessage.clicked, second)
        try tell(ReferralMessage.attributed, first, participant: brought)
        try tell(ReferralMessage.converted, first, kind: .signup, participant: brought)
        try tell(ReferralMessage.converted, first, kind: .purchase, participant: brought)
        for units in ["500", "99999999999999999999999999999999999"] {
            harness.log.append(
                RewardMessage.fulfilled, of: tenant, campaign: campaign,
                properties: [
                    "participant_id": .string(first.description), "role": "referrer",
                    "amount": ["units": .string(units), "asset": "USD"],
                ])
        }
        // Anybody can send these; they count for nothing.
        harness.log.append(
            ReferralMessage.converted, of: tenant, campaign: campaign, trust: .browser,
            properties: ["kind": "purchase", "referrer_id": .string(second.description)])
        harness.log.append(
            RewardMessage.fulfilled, of: tenant, campaign: campaign, trust: .server,
            properties: ["amount": ["units": "1", "asset": "USD"]])
        return (first, second)
    }

    @Test func `the dashboard tells the funnel, rewards, hours and who brought most`() async throws
    {
        try await AnalyticsHarness.run { harness in
            let people = try Self.appendJourney(harness, of: harness.log.tenant)
            try await harness.withService { service in
                try await harness.settle()
                for path in ["/dashboard", "/dashboard?campaign_id=\(Self.campaign)"] {
                    let answer = try await harness.get(path, service)
                    #expect(answer.status == 200)
                    let body = answer.body
                    #expect(body["provisional"]?.bool == true)
                    #expect(body["as_of"]?.string.flatMap { Timestamp($0) } != nil)
                    #expect(
                        body["funnel"]
                            == ["shared": 1, "clicked": 3, "signed_up": 1, "converted": 1])
                    #expect(
                        body["rewards"] == [
                            "count": 2,
                            "amounts": [
                                ["units": "100000000000000000000000000000000499", "asset": "USD"]
                            ],
                        ])
                    let hours = try #require(body["hourly"]?.array)
                    #expect(hours.compactMap { $0["clicked"]?.integer }.reduce(0, +) == 3)
                    let board = try #require(body["leaderboard"]?.array)
                    #expect(
                        board == [
                            [
                                "rank": 1, "participant_id": .string(people.first.description),
                                "external_id": "anna", "clicks": 1, "signed_up": 1,
                                "conversions": 1,
                            ],
                            [
                                "rank": 2, "participant_id": .string(people.second.description),
                                "clicks": 2, "signed_up": 0, "conversions": 0,
                            ],
                        ])
                }
                let empty = try await harness.get(
                    "/dashboard?campaign_id=\(CampaignID(UUID()))", service)
                #expect(empty.body["funnel"]?["clicked"]?.integer == 0)
                #expect(empty.body["leaderboard"]?.array == [])
            }
        }
    }

    @Test func `no client sees another's numbers or events`() async throws {
        try await AnalyticsHarness.run { harness in
            _ = try Self.appendJourney(harness, of: harness.log.tenant)
            try await harness.withService { service in
                try await harness.settle()
                let campaign = "campaign_id=\(Self.campaign)"
                for path in ["/dashboard", "/dashboard?\(campaign)"] {
                    let body = try await harness.get(path, service, as: harness.log.other).body
                    #expect(
                        body["funnel"]
                            == ["shared": 0, "clicked": 0, "signed_up": 0, "converted": 0])
                    #expect(body["rewards"] == ["count": 0, "amounts": []])
                    #expect(body["hourly"] == [] && body["leaderboard"] == [])
                }
                for path in ["leaderboard", "hourly", "events"] {
                    let answer = try await harness.get(
                        "/dashboard/\(path)?\(campaign)", service, as: harness.log.other)
                    #expect(answer.status == 200)
                    #expect(answer.body["data"] == [], "\(path)")
                }
            }
        }
    }

    @Test func `numbers of the views equal those of the events, also when sent twice`() async throws
    {
        try await AnalyticsHarness.run { harness in
            _ = try Self.appendJourney(harness, of: harness.log.tenant)
            harness.appendEvents(400)
            try await harness.withService { service in
                try await harness.settle()
                let before = try await harness.get("/dashboard", service).body
                // Everything once more, behind the stream's back.
                try await harness.archive.execute("INSERT INTO events SELECT * FROM events")
                let after = try await harness.get("/dashboard", service).body
                for member in ["funnel", "rewards", "hourly", "leaderboard"] {
                    #expect(before[member] == after[member], "\(member)")
                }
                let client = harness.log.tenant.clientID
                let views = try await harness.number(
                    """
                    SELECT uniqExactMerge(events) AS n FROM campaign_hourly_stats
                    WHERE client_id = \(client)
                    """)
                let raw = try await harness.number(
                    "SELECT count() AS n FROM events FINAL WHERE client_id = \(client)")
                #expect(views == raw)
                #expect(raw == harness.log.heads[0])
                let report = try await service.service.audit.run()
                #expect(report.isClean, "\(report)")
            }
        }
    }

    @Test func `the last events come page by page, each once`() async throws {
        try await AnalyticsHarness.run { harness in
            harness.appendEvents(90)
            try await harness.withService { service in
                try await harness.settle()
                try await harness.archive.execute("INSERT INTO events SELECT * FROM events")
                var ids: [String] = []
                var times: [Timestamp] = []
                var cursor = ""
                let from = SystemClock().now() - .seconds(60 * 86_400)
                repeat {
                    let page = try await harness.get(
                        "/dashboard/events?limit=17&from=\(from)\(cursor)", service)
                    #expect(page.status == 200)
                    let rows = try #require(page.body["data"]?.array)
                    ids += rows.compactMap { $0["event_id"]?.string }
                    times += rows.compactMap { $0["occurred_at"]?.string.flatMap { Timestamp($0) } }
                    cursor = page.body["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
                } while !cursor.isEmpty
                #expect(ids.count == harness.log.heads[0])
                #expect(Set(ids).count == ids.count)
                #expect(times == times.sorted(by: >))
            }
        }
    }

    @Test func `hours tell how often an event happened and to how many`() async throws {
        try await AnalyticsHarness.run { harness in
            harness.appendEvents(60)
            try await harness.withService { service in
                try await harness.settle()
                let from = SystemClock().now() - .seconds(3600)
                let answer = try await harness.get(
                    "/dashboard/hourly?event=page_viewed&from=\(from)", service)
                let rows = try #require(answer.body["data"]?.array)
                let count = rows.compactMap { $0["count"]?.integer }.reduce(0, +)
                // Of the tenant's, without those of another month.
                let expected = (0..<60).filter { $0 % 3 != 0 && $0 % 2 == 0 && $0 % 10 != 0 }
                #expect(count == expected.count)
            }
        }
    }

    @Test(arguments: [
        "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from=yesterday",
        "campaign_id=cmp_1", "campaign_id=' OR 1=1 --",
    ])
    func `what cannot be asked is refused`(_ query: String) async throws {
        try await AnalyticsHarness.run { harness in
            try await harness.withService { service in
                let query = query.replacing(" ", with: "%20").replacing("'", with: "%27")
                for path in ["", "/leaderboard", "/hourly", "/events"] {
                    let answer = try await harness.get("/dashboard\(path)?\(query)", service)
                    #expect(answer.status == 400, "\(path)")
                }
            }
        }
    }
}
