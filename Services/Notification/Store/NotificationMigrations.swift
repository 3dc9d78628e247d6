import PostgresKit

/// The service's migrations, in order.
enum NotificationMigrations {
    static let all = [
        Migration("notification", "V0001_templates", PackageResources.V0001_templates_sql),
        Migration("notification", "V0002_notifications", PackageResources.V0002_notifications_sql),
        Migration("notification", "V0003_webhooks", PackageResources.V0003_webhooks_sql),
        Migration("notification", "V0004_request_keys", PackageResources.V0004_request_keys_sql),
    ]
}
