import PostgresKit

/// The migrations of the service's PostgreSQL database, in order.
enum AnalyticsMigrations {
    static let all = [
        Migration("analytics", "V0001_stream", PackageResources.V0001_stream_sql)
    ]
}
