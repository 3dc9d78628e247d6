package import Kernel

/// Brings a database's schema up to date.
package enum Migrator {
    /// The advisory lock of migrations: "grapevin" in ASCII.
    private static let lock: Int64 = 0x6772_6170_6576_696E
    /// How long one migration may take.
    private static let migrationLimit: Duration = .seconds(3600)
    /// How long to wait for other replicas that migrate.
    private static let lockLimit: Duration = .seconds(3600)
    /// How long to wait for a server that is not up yet.
    private static let serverLimit: Duration = .seconds(30)

    /// Runs what is missing, in the order of the list's components and of versions, each in its own
    /// transaction. Replicas that start together wait for each other. Waits 30 s for a server that
    /// is not up yet.
    ///
    /// Throws `.migration` when one that has run was changed, when an earlier number is missing, or
    /// when one fails (the reason is in `String(reflecting:)`); `.unavailable` without a server.
    package static func migrate(
        _ client: PostgresClient, _ migrations: [Migration], world: World
    ) async throws {
        try await awaitServer(client, world)
        try await client.withConnection { connection in
            try await acquireLock(connection, world)
            do {
                try await run(migrations, on: connection, world)
                try await releaseLock(connection)
            } catch {
                try? await releaseLock(connection)
                throw error
            }
        }
    }

    private static func awaitServer(_ client: PostgresClient, _ world: World) async throws {
        let end = ContinuousClock.now + serverLimit
        while true {
            do throws(PostgresError) {
                return try await client.ping()
            } catch {
                guard error.code == .unavailable || error.code == .deadlineExceeded,
                    ContinuousClock.now < end
                else { throw error }
                world.telemetry.logger.notice("Waiting for PostgreSQL")
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    /// Asks again and again: waiting inside the server would end at its time limit.
    private static func acquireLock(_ connection: LeasedConnection, _ world: World) async throws {
        let end = ContinuousClock.now + lockLimit
        var rounds = 0
        while true {
            let row = try await connection.queryOne(
                "select pg_try_advisory_lock(\(lock)) as is_mine")
            if try row?.get("is_mine") == true { return }
            guard ContinuousClock.now < end else {
                throw PostgresError(.migration, "another process has been migrating for too long")
            }
            if rounds % 50 == 0 {
                world.telemetry.logger.notice("Waiting for another replica that migrates")
            }
            rounds += 1
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private static func releaseLock(_ connection: LeasedConnection) async throws {
        _ = try await connection.query("select pg_advisory_unlock(\(lock))")
    }

    private static func run(
        _ migrations: [Migration], on connection: LeasedConnection, _ world: World
    ) async throws {
        try await connection.script(
            """
            create table if not exists schema_migration (
                component text not null,
                version integer not null,
                name text not null,
                checksum text not null,
                applied_at timestamptz not null,
                primary key (component, version)
            )
            """)
        let applied = try await connection.query(
            "select component, version, name, checksum from schema_migration",
            as: AppliedMigration.self)
        let wanted = try await checksums(migrations, on: connection)
        let plan = try MigrationPlan(wanted: wanted, applied: applied)
        for component in plan.ahead {
            world.telemetry.logger.notice(
                "The schema is newer than this program", [("component", .text(component))])
        }
        for migration in plan.missing {
            let checksum = wanted.first { $0.migration == migration }?.checksum ?? ""
            try await apply(migration, checksum, on: connection, world)
        }
    }

    /// SHA-256 of each text, computed by the server.
    private static func checksums(
        _ migrations: [Migration], on connection: LeasedConnection
    ) async throws -> [(migration: Migration, checksum: String)] {
        let texts = migrations.map { Array($0.sql.utf8) }
        let rows = try await connection.query(
            """
            select encode(sha256(content), 'hex') as checksum
            from unnest(\(texts)) with ordinality as text (content, place) order by place
            """)
        var result: [(migration: Migration, checksum: String)] = []
        for (migration, row) in zip(migrations, rows) {
            result.append((migration, try row.get("checksum")))
        }
        return result
    }

    private static func apply(
        _ migration: Migration, _ checksum: String, on connection: LeasedConnection, _ world: World
    ) async throws {
        do throws(PostgresError) {
            // A long migration is meant to be long; waiting long for a lock would stop everybody
            // else.
            _ = try await connection.pipeline([
                "begin", "set local statement_timeout = 0", "set local lock_timeout = '10s'",
                "set local idle_in_transaction_session_timeout = 0",
            ])
            try await connection.script(migration.sql, within: migrationLimit)
            _ = try await connection.pipeline([
                """
                insert into schema_migration (component, version, name, checksum, applied_at)
                values (\(migration.component), \(migration.version), \(migration.name),
                    \(checksum), \(world.clock.now()))
                """, "commit",
            ])
        } catch {
            _ = try? await connection.execute("rollback")
            throw PostgresError(
                .migration, "\(migration.title) failed: \(error.code)", details: error.details)
        }
        world.telemetry.logger.info("Migrated", [("migration", .text(migration.title))])
    }
}
