package import PostgresKit

/// The tables that a service with durable runs has in its own database.
package enum DurableMigrations {
    /// In the order to apply them; forward only.
    package static let all: [Migration] = [
        Migration("durable", "V0001_create_runs", PackageResources.V0001_create_runs_sql)
    ]
}
