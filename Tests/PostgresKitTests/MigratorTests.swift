import Kernel
import TestKit
import Testing

@testable import PostgresKit

struct MigrationPlanTests {
    private func wanted(_ entries: (Int, String)...) -> [(migration: Migration, checksum: String)] {
        entries.map { version, checksum in
            (Migration(component: "test", version: version, name: "step", sql: ""), checksum)
        }
    }

    private func applied(_ entries: (Int, String)...) -> [AppliedMigration] {
        entries.map {
            AppliedMigration(component: "test", version: $0.0, name: "step", checksum: $0.1)
        }
    }

    @Test func `what has not run is to run, in order`() throws {
        let plan = try MigrationPlan(
            wanted: wanted((2, "b"), (1, "a"), (3, "c")), applied: applied((1, "a")))
        #expect(plan.missing.map(\.version) == [2, 3])
    }

    @Test func `a changed migration is refused`() {
        let error = #expect(throws: PostgresError.self) {
            _ = try MigrationPlan(wanted: wanted((1, "x")), applied: applied((1, "a")))
        }
        #expect(error?.description.contains("test V0001_step was changed") == true)
    }

    @Test func `a gap is refused, in the list and in the database`() {
        #expect(throws: PostgresError.self) {
            _ = try MigrationPlan(wanted: wanted((1, "a"), (3, "c")), applied: [])
        }
        #expect(throws: PostgresError.self) {
            _ = try MigrationPlan(
                wanted: wanted((1, "a"), (2, "b"), (3, "c")), applied: applied((1, "a"), (3, "c")))
        }
    }

    @Test func `a database that is ahead is left alone`() throws {
        let plan = try MigrationPlan(
            wanted: wanted((1, "a")), applied: applied((1, "a"), (2, "b")))
        #expect(plan.missing.isEmpty)
        #expect(plan.ahead == ["test"])
    }

    @Test func `a file name gives version and name`() {
        let migration = Migration("client", "V0012_create_keys", Array("select 1".utf8))
        #expect(migration.version == 12)
        #expect(migration.name == "create_keys")
        #expect(migration.sql == "select 1")
        #expect(migration.title == "client V0012_create_keys")
    }
}

@Suite(.timeLimit(.minutes(1)))
struct MigratorTests {
    private let steps = [
        Migration(
            component: "test", version: 1, name: "create",
            sql: "create table thing (id int8); insert into thing values (1);"),
        Migration(
            component: "test", version: 2, name: "fill",
            sql: "select pg_sleep(0.1); insert into thing values (2);"),
        Migration(component: "other", version: 1, name: "create", sql: "create table odd ()"),
    ]

    private func database() async throws -> TestDatabase {
        try await TestPostgres.shared().makeDatabase()
    }

    @Test func `four replicas that start together run each migration once`() async throws {
        let database = try await database()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { [steps] in
                    let client = database.client()
                    try await Migrator.migrate(client, steps, world: World())
                    await client.shutdown()
                }
            }
            try await group.waitForAll()
        }
        let client = database.client()
        let rows = try await client.query("select id from thing order by id")
        #expect(try rows.map { try $0.get("id", as: Int.self) } == [1, 2])
        #expect(try await client.query("select * from schema_migration").count == 3)
        try await Migrator.migrate(client, steps, world: World())
    }

    @Test func `a failing migration leaves nothing and names itself`() async throws {
        let client = try await database().client()
        let broken = Migration(
            component: "test", version: 2, name: "break",
            sql: "insert into thing values (7); select nothing from nowhere;")
        do {
            try await Migrator.migrate(client, [steps[0], broken], world: World())
            Issue.record("The broken migration ran.")
        } catch let error as PostgresError {
            #expect(error.code == .migration)
            #expect(error.description.contains("V0002_break"))
            #expect(String(reflecting: error).contains("nowhere"))
        }
        #expect(try await client.query("select * from thing").count == 1)
        try await Migrator.migrate(client, Array(steps.prefix(2)), world: World())
        #expect(try await client.query("select * from thing").count == 2)
    }

    @Test func `a migration that was changed after it ran is refused`() async throws {
        let client = try await database().client()
        try await Migrator.migrate(client, [steps[0]], world: World())
        let changed = Migration(
            component: "test", version: 1, name: "create", sql: "create table thing (id int4)")
        await #expect(
            code { try await Migrator.migrate(client, [changed], world: World()) } == .migration)
    }

    @Test func `migrating waits for a server that starts later`() async throws {
        try await withPrivateServer(.postgres) { server in
            try await server.stop(.fast)
            let client = try await makeClient(server.url)
            async let migrated: Void = Migrator.migrate(client, steps, world: World())
            try await Task.sleep(for: .milliseconds(200))
            try await server.start()
            try await migrated
            #expect(try await client.query("select * from thing").count == 2)
        }
    }
}
