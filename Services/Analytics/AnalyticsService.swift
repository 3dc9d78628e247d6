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
    package static let migrations = MessagingMigrations.all + AnalyticsMigrations.all

    let context: ServiceContext
    let clickHouse: ClickHouseClient

    package init(_ configuration: AnalyticsConfiguration, _ context: ServiceContext) async throws {
        self.context = context
        clickHouse = ClickHouseClient(
            try ClickHouseConfiguration(url: configuration.clickHouseURL), http: context.http)
    }
}
