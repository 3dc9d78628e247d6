import ClickHouseKit
import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import ServiceKit
import TestKit
import Testing

@testable import AnalyticsService

/// How old the numbers are is measured by events of our own, which nobody sees.
@Suite(.timeLimit(.minutes(3))) struct FreshnessTests {
    private func freshness(
        _ harness: AnalyticsHarness, _ service: RunningService<AnalyticsService>
    ) async throws -> Double {
        let text = String(
            decoding: try await harness.http.send(.init(url: service.url + "/metrics")).body,
            as: UTF8.self)
        let name = "grapevine_analytics_freshness_seconds "
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return line.flatMap { Double($0.dropFirst(name.count)) } ?? 0
    }

    @Test func `probes go all the way and are in nobody's numbers`() async throws {
        try await AnalyticsHarness.run { harness in
            harness.log.takeMessages()
            harness.appendEvents(30)
            try await harness.withService(probeInterval: "200ms") { service in
                try await eventually("three probes are in ClickHouse", within: .seconds(60)) {
                    try await harness.number(
                        "SELECT count() AS n FROM events WHERE event = 'analytics.probed'") >= 3
                }
                try await eventually("the time that they took is told") {
                    try await freshness(harness, service) > 0
                }
                for tenant in [harness.log.tenant, harness.log.other] {
                    let from = SystemClock().now() - .seconds(60 * 86_400)
                    let answer = try await harness.get(
                        "/dashboard/hourly?from=\(from)", service, as: tenant)
                    let types = answer.body["data"]?.array?.compactMap { $0["event"]?.string } ?? []
                    #expect(Set(types) == ["page_viewed", "purchase_completed"])
                    let events = try await harness.get(
                        "/dashboard/events?limit=100&from=\(from)", service, as: tenant)
                    let shown =
                        events.body["data"]?.array?.compactMap { $0["event"]?.string } ?? []
                    #expect(!shown.isEmpty && !shown.contains(FreshnessProbe.type))
                }
            }
        }
    }

    @Test func `while ClickHouse is away the time grows, and shrinks afterwards`() async throws {
        try await withPrivateServer(.clickhouse) { server in
            try await AnalyticsHarness.run(clickHouse: TestClickHouse(url: server.url)) { harness in
                harness.log.takeMessages()
                try await harness.withService(probeInterval: "200ms") { service in
                    try await eventually("a probe arrived", within: .seconds(60)) {
                        try await freshness(harness, service) > 0
                    }
                    try await server.kill()
                    try await eventually("the numbers are known to be old", within: .seconds(60)) {
                        try await freshness(harness, service) > 3
                    }
                    try await server.start()
                    try await eventually("they are fresh again", within: .seconds(60)) {
                        try await freshness(harness, service) < 3
                    }
                }
            }
        }
    }
}
