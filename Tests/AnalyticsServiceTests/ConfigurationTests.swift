import ServiceKit
import Testing

@testable import AnalyticsService

@Suite struct ConfigurationTests {
    @Test func `an address of ClickHouse that cannot be read is named`() throws {
        var environment = EnvironmentReader(["GRAPEVINE_ANALYTICS_CLICKHOUSE_URL": "127.0.0.1:8124"]
        )
        _ = AnalyticsConfiguration(&environment)
        let error = #expect(throws: ConfigurationError.self) { try environment.finish() }
        #expect(error?.problems.map(\.variable) == ["GRAPEVINE_ANALYTICS_CLICKHOUSE_URL"])
    }
}
