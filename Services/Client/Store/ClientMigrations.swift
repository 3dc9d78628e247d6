import PostgresKit

/// The service's migrations, in order.
enum ClientMigrations {
    static let all = [
        Migration("client", "V0001_clients", PackageResources.V0001_clients_sql),
        Migration("client", "V0002_participants", PackageResources.V0002_participants_sql),
        Migration("client", "V0003_audit", PackageResources.V0003_audit_sql),
        Migration("client", "V0004_members", PackageResources.V0004_members_sql),
    ]
}
