import PostgresKit

/// The migrations of the service's PostgreSQL database, in order.
enum AnalyticsMigrations {
    static let all = [
        Migration("analytics", "V0001_stream", PackageResources.V0001_stream_sql),
        Migration("analytics", "V0002_dirty_hour", PackageResources.V0002_dirty_hour_sql),
    ]
}
