import PostgresKit

/// The service's migrations, in order.
enum EventMigrations {
    static let all = [
        Migration("event", "V0001_log", PackageResources.V0001_log_sql),
        Migration("event", "V0002_identity", PackageResources.V0002_identity_sql),
        Migration("event", "V0003_webhooks", PackageResources.V0003_webhooks_sql),
        Migration("event", "V0004_looking", PackageResources.V0004_looking_sql),
        Migration("event", "V0005_interactions", PackageResources.V0005_interactions_sql),
        Migration("event", "V0006_erasures", PackageResources.V0006_erasures_sql),
        Migration("event", "V0007_event_types", PackageResources.V0007_event_types_sql),
        Migration("event", "V0008_event_secrets", PackageResources.V0008_event_secrets_sql),
        Migration("event", "V0009_compression", PackageResources.V0009_compression_sql),
        Migration("event", "V0010_generations", PackageResources.V0010_generations_sql),
    ]
}
