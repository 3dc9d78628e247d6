import ClickHouseKit
package import Contracts
package import Kernel
import MessagingKit
package import PostgresKit
package import ServiceKit

/// The archive in ClickHouse, and what is told from it.
package struct AnalyticsService: Service {
    package static let name = ServiceName.analytics
    package static let summary =
        "Brings every event of the log into ClickHouse, once, and tells how campaigns do."
    package static let crashPoints = AnalyticsCrashPoint.all
    package static var openAPI: [UInt8]? { PackageResources.openapi_json }
    package static let migrations = MessagingMigrations.all + AnalyticsMigrations.all

    let context: ServiceContext
    let clickHouse: ClickHouseClient
    let stream: EventStream
    let liveFeed: LiveFeed
    let probe: FreshnessProbe
    var rebuild: HourRebuild {
        HourRebuild(hours: stream.batches.hours, client: clickHouse, metrics: stream.metrics)
    }

    package init(_ configuration: AnalyticsConfiguration, _ context: ServiceContext) async throws {
        self.context = context
        clickHouse = ClickHouseClient(
            try ClickHouseConfiguration(url: configuration.clickHouseURL), http: context.http)
        stream = EventStream(
            log: context.log, redis: context.redis, postgres: context.postgres,
            archive: EventArchive(client: clickHouse, world: context.world),
            metrics: StreamMetrics(context.telemetry), configuration: configuration,
            world: context.world)
        probe = FreshnessProbe(
            log: context.log, archive: stream.archive, interval: configuration.probeInterval,
            world: context.world)
        liveFeed = LiveFeed(log: context.log, redis: context.redis, world: context.world)
    }

    package func background() -> [BackgroundTask] {
        [
            BackgroundTask("live") { [liveFeed] in await liveFeed.run() },
            BackgroundTask("stream") { [stream] in await stream.run() },
            BackgroundTask("rebuild") { [rebuild] in try await rebuild.run() },
            BackgroundTask("probe") { [probe] in await probe.run() },
            DatabasePurge.task("batch-purge", telemetry: context.telemetry) { [stream] in
                let old = stream.world.clock.now() - Self.batchesKept
                return try await DatabasePurge.run(batch: 1000) { limit throws(PostgresError) in
                    try await stream.batches.purge(before: old, limit: limit)
                }
            },
        ]
    }

    package func readiness() -> [ReadinessCheck] {
        [
            .freshness("stream") { [stream] in stream.metrics.lastContact },
            ReadinessCheck("clickhouse") { [stream, clickHouse] in
                do {
                    try await clickHouse.ping(within: .seconds(1))
                } catch {
                    return .degraded(
                        "ClickHouse does not answer; \(stream.metrics.waiting) events wait.")
                }
                guard let failing = stream.metrics.failingFor, failing > .seconds(5) else {
                    return .ready
                }
                let seconds = failing.components.seconds
                return .degraded("ClickHouse has taken no events for \(seconds) s.")
            },
        ]
    }

    /// How long finished batches stay, for people who look.
    private static let batchesKept = Duration.seconds(7 * 86_400)
}
