import Contracts
import Kernel
import PostgresKit
import TestKit

/// A deployment's private PostgreSQL: a database and a role for each service, as in production.
struct Databases: Sendable {
    let server: PrivateServer
    private let clients: [ServiceName: PostgresClient]

    static func start(
        _ services: [ServiceName], _ secrets: DeploymentSecrets
    ) async throws -> Databases {
        let server = try await PrivateServer.start(
            .postgres,
            settings: [
                "max_connections=250", "shared_buffers=64MB", "max_wal_size=1GB", "jit=off",
            ])
        do {
            let administrator = try TestPostgres(url: server.url)
            for service in services {
                try await make(service, password: secrets.password(of: service), administrator)
            }
            return try Databases(server: server, services)
        } catch {
            try? await server.remove()
            throw error
        }
    }

    /// As `create_databases` in `deploy/local/start.sh`.
    private static func make(
        _ service: ServiceName, password: String, _ administrator: TestPostgres
    ) async throws {
        let name = name(service)
        try await administrator.run(
            "create role \(identifier: name) login password '\(unsafeRaw: password)'")
        try await administrator.run(
            "create database \(identifier: name) owner \(identifier: name)")
        try await administrator.run(
            "revoke all on database \(identifier: name) from public")
    }

    private init(server: PrivateServer, _ services: [ServiceName]) throws {
        self.server = server
        var clients: [ServiceName: PostgresClient] = [:]
        for service in services {
            let base = server.url.dropLast("postgres".count)
            var configuration = try PostgresConfiguration(url: base + Self.name(service))
            configuration.pipelinedConnections = 1
            configuration.leasedConnections = 1
            configuration.statementTimeout = .seconds(60)
            configuration.applicationName = "grapevine-audit"
            clients[service] = PostgresClient(configuration, telemetry: Telemetry())
        }
        self.clients = clients
    }

    /// A superuser's look into a service's database.
    subscript(service: ServiceName) -> PostgresClient {
        get throws {
            guard let client = clients[service] else {
                throw ProcessError("\(service.executableName) is not part of the deployment.")
            }
            return client
        }
    }

    /// The URL with which the service itself comes.
    func url(of service: ServiceName, _ secrets: DeploymentSecrets) -> String {
        let name = Self.name(service)
        return
            "postgresql://\(name):\(secrets.password(of: service))@127.0.0.1:\(server.port)/\(name)"
    }

    func remove() async throws {
        for client in clients.values { await client.shutdown() }
        try await server.remove()
    }

    private static func name(_ service: ServiceName) -> String { "grapevine_\(service.rawValue)" }
}
