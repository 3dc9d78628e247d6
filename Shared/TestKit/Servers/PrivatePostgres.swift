/// A PostgreSQL server of one test's own, for restarts, kills and outages. `remove()` it at the
/// end.
package struct PrivatePostgres: Sendable {
    private let server: PrivateServer

    /// Starts a new one on a free port in about a second. Settings are `name=value`.
    package static func start(settings: [String] = ["max_connections=100", "shared_buffers=32MB"])
        async throws -> PrivatePostgres
    {
        PrivatePostgres(server: try await PrivateServer.start("postgres", settings: settings))
    }

    /// The URL with the password of the user who may do everything.
    package var url: String { server.url }
    /// The loopback port, the same through every restart.
    package var port: UInt16 { server.port }

    /// Stops it and starts it again.
    package func restart(_ mode: StopMode = .fast) async throws {
        try await server.command("restart", mode)
    }

    /// Stops it; `start()` brings it back.
    package func stop(_ mode: StopMode = .fast) async throws {
        try await server.command("stop", mode)
    }

    /// SIGKILL; `start()` brings it back.
    package func kill() async throws { try await server.command("kill") }

    /// Starts it again after `stop` or `kill`, on the same port.
    package func start() async throws { try await server.startAgain() }

    /// Ends it and deletes its files.
    package func remove() async throws { try await server.command("remove") }
}

/// Lends a PostgreSQL server and removes it whatever happens.
package func withPrivatePostgres<Value: Sendable>(
    _ body: (PrivatePostgres) async throws -> Value
) async throws -> Value {
    let server = try await PrivatePostgres.start()
    do {
        let value = try await body(server)
        try await server.remove()
        return value
    } catch {
        try? await server.remove()
        throw error
    }
}
