import ClickHouseKit
import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import AnalyticsService

/// Final numbers are those of the events, also where an insert broke off between table and views.
@Suite(.timeLimit(.minutes(3))) struct RebuildTests {
    /// Fed after `campaign_hourly_stats` and before the others, in order of names; it fails.
    private static let wrecker: ClickHouseSQL = """
        CREATE MATERIALIZED VIEW d_wrecker ENGINE = Memory AS
        SELECT toUInt64(concat('x', toString(position))) AS n FROM events
        """

    private static let countedByView: ClickHouseSQL = """
        SELECT uniqExactMerge(clicked) AS n FROM referral_funnel
        """
    private static let countedOfEvents: ClickHouseSQL = """
        SELECT uniqExact(position) AS n FROM events
        WHERE event = 'referral.clicked' AND from_service = 1
        """

    private func appendClicks(
        _ count: Int, _ harness: AnalyticsHarness, at time: Timestamp
    ) throws {
        for number in 0..<count {
            let activity = ReferralActivity(
                linkID: LinkID(UUID()), code: "CODE",
                referrerID: ParticipantID.derived(
                    client: harness.log.tenant.clientID, externalID: "u\(number % 3)"))
            harness.log.append(
                ReferralMessage.clicked, of: harness.log.tenant, at: time,
                properties: try JSONCoding.parse(JSONCoding.encode(activity)))
        }
    }

    @Test func `an hour that a view was half fed with is provisional until it is counted again`()
        async throws
    {
        try await AnalyticsHarness.run { harness in
            let past = SystemClock().now() - .seconds(5 * 3600)
            try await harness.withService { service in
                try appendClicks(40, harness, at: past)
                try await harness.settle()
                try await harness.archive.execute(Self.wrecker)
                // As one batch: of two, the first could be counted again while the second breaks.
                try harness.log.together { try appendClicks(60, harness, at: past) }
                try await eventually("the table has what the views lack") {
                    let counts = (
                        try await harness.number(Self.countedOfEvents),
                        try await harness.number(Self.countedByView)
                    )
                    return counts == (100, 40)
                }
                try await eventually("the hour is provisional") {
                    let body = try await harness.get("/dashboard", service).body
                    let limit = body["final_before"]?.string.flatMap { Timestamp($0) }
                    return limit.map { $0 <= past } ?? false
                }
                try await harness.archive.execute("DROP TABLE d_wrecker")
                try await harness.settle()
                try await eventually("the hour is final") {
                    let body = try await harness.get("/dashboard", service).body
                    let limit = body["final_before"]?.string.flatMap { Timestamp($0) }
                    return limit.map { $0 > past } ?? false
                }
                let body = try await harness.get("/dashboard", service).body
                #expect(body["funnel"]?["clicked"]?.integer == 100)
                let board = body["leaderboard"]?.array?.compactMap { $0["clicks"]?.integer } ?? []
                #expect(board.reduce(0, +) == 100)
                // What was not sent again was found.
                #expect(try await harness.number("SELECT count() AS n FROM events") == 100)
            }
        }
    }

    @Test func `counting hours again changes no right number`() async throws {
        try await AnalyticsHarness.run { harness in
            harness.appendEvents(300)
            try appendClicks(50, harness, at: SystemClock().now() - .seconds(2 * 3600))
            try await harness.withService { service in
                try await harness.settle()
                let before = try await harness.get("/dashboard", service).body
                let hours = try await harness.hours()
                let store = service.service.stream.batches.hours
                for _ in 0..<2 {
                    try await store.mark(hours, on: harness.postgres)
                    #expect(try await service.service.rebuild.rebuild() <= hours.count)
                }
                let after = try await harness.get("/dashboard", service).body
                for member in ["funnel", "rewards", "hourly", "leaderboard"] {
                    #expect(before[member] == after[member], "\(member)")
                }
                let views = try await harness.number(
                    "SELECT uniqExactMerge(events) AS n FROM campaign_hourly_stats "
                        + "WHERE client_id = \(harness.log.tenant.clientID)")
                #expect(views == harness.log.heads[0])
            }
        }
    }

    @Test func `an hour that is marked while it is counted stays`() async throws {
        try await AnalyticsHarness.run { harness in
            try await harness.withService { service in
                let store = service.service.stream.batches.hours
                let hour = ClientHour(
                    clientID: harness.log.tenant.clientID,
                    hour: Timestamp(microseconds: 3_600_000_000))
                try await store.mark([hour], on: harness.postgres)
                let seen = try await store.list(limit: 10)
                try await store.mark([hour], on: harness.postgres)
                try await store.clear(seen)
                #expect(try await store.list(limit: 10).map(\.mark) == [2])
            }
        }
    }
}
