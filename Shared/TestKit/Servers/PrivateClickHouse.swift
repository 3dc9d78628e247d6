/// A ClickHouse server of one test's own, for restarts, kills and outages. `remove()` it at the
/// end.
package struct PrivateClickHouse: Sendable {
    private let server: PrivateServer

    /// Starts a new one on a free port in less than a second. Settings are `name=value`, of the
    /// user's profile.
    package static func start(settings: [String] = []) async throws -> PrivateClickHouse {
        PrivateClickHouse(server: try await PrivateServer.start("clickhouse", settings: settings))
    }

    /// The URL with user and password; its database does not exist yet.
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

/// Lends a ClickHouse server and removes it whatever happens.
package func withPrivateClickHouse<Value: Sendable>(
    _ body: (PrivateClickHouse) async throws -> Value
) async throws -> Value {
    let server = try await PrivateClickHouse.start()
    do {
        let value = try await body(server)
        try await server.remove()
        return value
    } catch {
        try? await server.remove()
        throw error
    }
}
