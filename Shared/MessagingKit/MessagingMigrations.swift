package import PostgresKit

/// The tables of the outbox, the cursors and the dead letters, for each service's own database.
package enum MessagingMigrations {
    package static let all = [
        Migration(
            "messaging", "V0001_create_messaging",
            PackageResources.V0001_create_messaging_sql)
    ]
}
