package import Kernel

/// A database, reached over a few pipelined and some leased connections.
package final class PostgresClient: PostgresExecutor {
    private let configuration: PostgresConfiguration

    /// Connects in the background at first use; never fails because the server is away.
    package init(_ configuration: PostgresConfiguration, telemetry: Telemetry) {
        self.configuration = configuration
    }

    package func query(_ sql: SQL) async throws(PostgresError) -> [Row] {
        throw PostgresError(.unavailable, "not connected")
    }

    @discardableResult
    package func execute(_ sql: SQL) async throws(PostgresError) -> Int {
        throw PostgresError(.unavailable, "not connected")
    }

    /// Runs the statements as one: one round trip, all or nothing. Throws the first error.
    package func pipeline(_ statements: [SQL]) async throws(PostgresError) -> [[Row]] {
        throw PostgresError(.unavailable, "not connected")
    }

    /// Runs `body` in a transaction: commits when it returns, rolls back when it throws.
    ///
    /// `body` runs again (5 times at most, with full jitter) after a serialization failure or deadlock,
    /// and once after the connection was lost before COMMIT; so it must have no other effects. Throws
    /// `.commitUnknown` when the connection is lost at COMMIT, `.poolTimeout` when no connection is free.
    package func withTransaction<Result: Sendable>(
        isolation: Isolation = .readCommitted,
        _ body: (Transaction) async throws -> Result
    ) async throws -> Result {
        throw PostgresError(.unavailable, "not connected")
    }

    /// Lends one connection outside a transaction, for session locks, scripts and large results.
    package func withConnection<Result: Sendable>(
        _ body: (LeasedConnection) async throws -> Result
    ) async throws -> Result {
        throw PostgresError(.unavailable, "not connected")
    }

    /// Notifications of a channel until the stream is dropped. Newest kept when the reader is slow.
    package func listen(_ channel: String) -> AsyncStream<PostgresNotification> {
        AsyncStream { $0.finish() }
    }

    /// Asks the server for a sign of life within two seconds.
    package func ping() async throws(PostgresError) {
        throw PostgresError(.unavailable, "not connected")
    }

    /// Refuses new calls, waits for running ones (5 s at most) and closes every connection.
    package func shutdown() async {}
}
