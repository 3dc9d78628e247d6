package import Kernel

/// One step of a schema: statements that may run again without harm (`IF NOT EXISTS`), because
/// ClickHouse has no transactions and replicas may work at the same time.
package struct ClickHouseMigration: Sendable {
    /// 1, 2, 3, … without a gap.
    package let version: Int
    package let name: String
    package let statements: [ClickHouseSQL]

    package init(_ version: Int, _ name: String, _ statements: [ClickHouseSQL]) {
        self.version = version
        self.name = name
        self.statements = statements
    }
}

/// Brings a database up to date, forward only.
package enum ClickHouseMigrator {
    /// Makes the database if needed, runs what the table `schema_migration` does not know yet, in
    /// order, and writes it down there. Versions beyond ours, of a newer program, are left alone.
    package static func migrate(
        _ client: ClickHouseClient, _ migrations: [ClickHouseMigration], clock: any TimeSource
    ) async throws(ClickHouseError) {
        try await client.execute(
            "CREATE DATABASE IF NOT EXISTS \(identifier: client.configuration.database)",
            inDatabase: false)
        try await client.execute(
            """
            CREATE TABLE IF NOT EXISTS schema_migration (
                version UInt32, name String, applied_at DateTime('UTC')
            ) ENGINE = ReplacingMergeTree ORDER BY version
            """)
        let rows = try await client.query("SELECT DISTINCT version FROM schema_migration")
        var applied: Set<Int> = []
        for row in rows { applied.insert(try row.get("version")) }
        for migration in migrations.sorted(by: { $0.version < $1.version })
        where !applied.contains(migration.version) {
            for statement in migration.statements { try await client.execute(statement) }
            try await client.execute(
                """
                INSERT INTO schema_migration (version, name, applied_at)
                SELECT toUInt32(\(migration.version)), \(migration.name), \(clock.now())
                """)
        }
    }
}
