import ClickHouseKit
import Contracts
import FoundationEssentials
import Kernel
import ServiceKit
import TestKit
import Testing

@testable import AnalyticsService

/// The same SQL on today's ClickHouse as on Debian's 18.16.
@Suite(
    .timeLimit(.minutes(4)),
    .enabled(if: Peers.areInstalled, "Tests/Peers/run --venv makes what this needs"))
struct ClickHouseNowPeerTests {
    /// Everything that analytics-service asks ClickHouse, once.
    @Test func `today's ClickHouse takes the same events and tells the same numbers`() async throws
    {
        let port = FreePort.find()
        let server = try Peers.start("clickhouse_now.py", ["\(port)"])
        let database = try TestClickHouse(url: "http://grapevine:@127.0.0.1:\(port)/now")
        try await eventually("chdb answers", within: .seconds(60)) {
            (try? await database.client().ping()) != nil
        }
        let version = try await database.client().query(
            "SELECT version() AS version", inDatabase: false)
        let release = try #require(try version.first?.get("version", as: String.self))
        #expect(!release.hasPrefix("18."))
        try await AnalyticsHarness.run(clickHouse: database) { harness in
            let people = try DashboardTests.appendJourney(harness, of: harness.log.tenant)
            harness.appendEvents(900)
            try await harness.withService { service in
                try await harness.settle()
                try await expectNumbers(harness, service, people.first)
                // Twice the same rows, and every hour counted again.
                try await harness.archive.execute("INSERT INTO events SELECT * FROM events")
                let hours = try await harness.hours()
                let store = service.service.stream.batches.hours
                try await store.mark(hours, on: harness.postgres)
                _ = try await service.service.rebuild.rebuild()
                #expect(try await store.list(limit: 10).isEmpty)
                try await expectNumbers(harness, service, people.first)
                let report = try await service.service.audit.run()
                #expect(report.isClean && report.waiting == 0, "\(report)")
                #expect(report.events == harness.log.heads.reduce(0, +))
            }
        }
        try await server.stop()
    }

    private func expectNumbers(
        _ harness: AnalyticsHarness, _ service: RunningService<AnalyticsService>,
        _ first: ParticipantID
    ) async throws {
        let body = try await harness.get(
            "/dashboard?campaign_id=\(DashboardTests.campaign)", service
        ).body
        #expect(body["funnel"] == ["shared": 1, "clicked": 3, "signed_up": 1, "converted": 1])
        #expect(
            body["rewards"]?["amounts"] == [
                ["units": "100000000000000000000000000000000499", "asset": "USD"]
            ])
        #expect(body["hourly"]?.array?.compactMap { $0["clicked"]?.integer }.reduce(0, +) == 3)
        let board = try #require(body["leaderboard"]?.array)
        #expect(board.map { $0["rank"]?.integer } == [1, 2])
        #expect(board.first?["participant_id"]?.string == first.description)
        #expect(board.first?["external_id"]?.string == "anna")
        let from = SystemClock().now() - .seconds(60 * 86_400)
        let hours = try await harness.get("/dashboard/hourly?from=\(from)", service).body["data"]
        let counted = hours?.array?.compactMap { $0["count"]?.integer } ?? []
        #expect(counted.reduce(0, +) == harness.log.heads[0])
        let page = try await harness.get("/dashboard/events?limit=100&from=\(from)", service)
        #expect(page.body["data"]?.array?.count == 100)
        #expect(page.body["next_cursor"]?.string != nil)
    }
}
