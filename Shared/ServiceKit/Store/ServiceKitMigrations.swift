package import PostgresKit

/// The tables that the kit keeps in every service's database.
package enum ServiceKitMigrations {
    /// In order; the runner puts them before the service's own.
    package static let all: [Migration] = [
        Migration("servicekit", "V0001_idempotency", PackageResources.V0001_idempotency_sql)
    ]
}
