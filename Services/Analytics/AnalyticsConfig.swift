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
    }
}
