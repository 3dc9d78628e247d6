import ClickHouseKit
import Kernel
package import ServiceKit

/// Settings of analytics-service beside the common ones.
package struct AnalyticsConfiguration: ServiceConfiguration {
    private static let defaultURL = "http://grapevine:@127.0.0.1:8124/grapevine"

    /// Where the archive and the numbers are.
    let clickHouseURL: String
    /// How long rows wait for company before they are sent.
    let linger: Duration
    /// The most events of one batch.
    let batchLimit: Int
    /// How often an event of our own measures how fresh the numbers are.
    let probeInterval: Duration

    package init(_ environment: inout EnvironmentReader) {
        clickHouseURL = environment.value(
            "GRAPEVINE_ANALYTICS_CLICKHOUSE_URL", default: Self.defaultURL,
            written: Self.defaultURL,
            isSecret: true, "user, password, address and database of ClickHouse"
        ) { text throws(InvalidValue) in
            guard (try? ClickHouseConfiguration(url: text)) != nil else {
                throw InvalidValue("It is not http://user:password@host:port/database.")
            }
            return text
        }
        linger = environment.duration(
            "GRAPEVINE_ANALYTICS_LINGER", default: .milliseconds(200),
            in: .milliseconds(1) ... .milliseconds(500),
            "least time between two inserts into ClickHouse; rows that come meanwhile go together")
        batchLimit = environment.integer(
            "GRAPEVINE_ANALYTICS_BATCH", default: 10_000, in: 1...100_000,
            "most events of one shard in one insert")
        probeInterval = environment.duration(
            "GRAPEVINE_ANALYTICS_PROBE_INTERVAL", default: .seconds(10),
            in: .milliseconds(100) ... .seconds(3600),
            "time between two events of our own that measure how fresh the numbers are")
    }
}
