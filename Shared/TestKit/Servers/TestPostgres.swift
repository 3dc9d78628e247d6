package import Kernel
package import PostgresKit
import Synchronization

import func Glibc.getpid

/// A PostgreSQL server in which tests make databases of their own.
package final class TestPostgres: Sendable {
    /// The superuser's URL, database `postgres`.
    package let url: String
    private let admin: PostgresClient
    private let templates = Mutex<[String: Task<String, any Error>]>([:])
    private static let common = Mutex<TestPostgres?>(nil)
    private static let count = Atomic<Int>(0)

    /// The server that all tests share.
    package static func shared() async throws -> TestPostgres {
        let url = try await TestServers.shared.addresses().postgresURL
        return try common.withLock { common in
            if let common { return common }
            let server = try TestPostgres(url: url)
            common = server
            return server
        }
    }

    /// Another server, such as a private one. Throws when the URL cannot be read.
    package init(url: String) throws(PostgresError) {
        self.url = url
        var configuration = try PostgresConfiguration(url: url)
        configuration.pipelinedConnections = 1
        configuration.leasedConnections = 4
        configuration.statementTimeout = .seconds(60)
        configuration.poolWaitLimit = .seconds(60)
        configuration.applicationName = "grapevine-tests"
        admin = PostgresClient(configuration, telemetry: Telemetry())
    }

    /// A fresh database with these migrations applied. They run once per process, in a template;
    /// each further database is a copy, in some tens of milliseconds.
    ///
    /// Drop it with `drop()`, or leave it: the next start of the test servers does.
    package func makeDatabase(
        _ migrations: [Migration] = [], world: World = World()
    ) async throws -> TestDatabase {
        let template =
            migrations.isEmpty ? "template1" : try await template(migrations, world: world)
        return try await create(from: template)
    }

    /// Makes a database, lends it, and drops it whatever happens.
    package func withDatabase<Value: Sendable>(
        _ migrations: [Migration] = [], _ body: (TestDatabase) async throws -> Value
    ) async throws -> Value {
        let database = try await makeDatabase(migrations)
        do {
            let value = try await body(database)
            await database.drop()
            return value
        } catch {
            await database.drop()
            throw error
        }
    }

    /// Runs one administrative statement as superuser, outside a transaction.
    package func run(_ sql: SQL) async throws {
        _ = try await admin.withConnection { connection in
            try await connection.execute(sql)
        }
    }

    private func create(from template: String) async throws -> TestDatabase {
        // The owner's process number first: what is left of dead processes is dropped by it.
        let number = Self.count.add(1, ordering: .relaxed).newValue
        let name = "test_\(getpid())_\(number)"
        try await run(
            """
            create database \(identifier: name) \
            with template \(identifier: template) strategy wal_log
            """)
        return try TestDatabase(name: name, server: self)
    }

    private func template(_ migrations: [Migration], world: World) async throws -> String {
        let key = migrations.map { "\($0.component) \($0.version) \($0.sql)" }.joined()
        let task = templates.withLock { templates in
            if let task = templates[key] { return task }
            let task = Task {
                let database = try await self.create(from: "template1")
                let client = database.client()
                try await Migrator.migrate(client, migrations, world: world)
                await client.shutdown()
                return database.name
            }
            templates[key] = task
            return task
        }
        return try await task.value
    }
}

/// One database of a test.
package final class TestDatabase: Sendable {
    /// `test_<process>_<number>`
    package let name: String
    /// The superuser's URL for this database.
    package let url: String
    /// Its configuration, to be changed before a client is made of it.
    package let configuration: PostgresConfiguration
    private let server: TestPostgres

    init(name: String, server: TestPostgres) throws {
        self.name = name
        self.server = server
        guard let slash = server.url.lastIndex(of: "/") else {
            throw ProcessError("The test server's URL names no database.")
        }
        url = "\(server.url[...slash])\(name)"
        configuration = try PostgresConfiguration(url: url)
    }

    /// A new client with few connections; the caller shuts it down or lets it go.
    package func client(telemetry: Telemetry = Telemetry()) -> PostgresClient {
        PostgresClient(configuration, telemetry: telemetry)
    }

    /// Ends every connection to the database, as an administrator would.
    package func terminateConnections() async throws {
        try await server.run(
            """
            select pg_terminate_backend(pid) from pg_stat_activity \
            where datname = \(name) and pid <> pg_backend_pid()
            """)
    }

    /// Deletes it, whoever is connected. Never fails a test: what stays is dropped later.
    package func drop() async {
        try? await server.run("drop database if exists \(identifier: name) with (force)")
    }
}
