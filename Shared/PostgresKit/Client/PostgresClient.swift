package import Kernel

/// A database, reached over a few pipelined and some leased connections.
///
/// Stand-alone statements of everybody share the pipelined connections, where each waits for those
/// in front of it. Do not use them from inside a transaction's body for rows that the transaction
/// has locked: the statement would wait for the transaction, and the transaction for it, until
/// `pipelinedLockTimeout`.
package final class PostgresClient: PostgresExecutor {
    let core: PostgresCore

    /// Connects in the background at first use; never fails because the server is away.
    package init(_ configuration: PostgresConfiguration, telemetry: Telemetry) {
        core = PostgresCore(configuration, telemetry: telemetry)
    }

    deinit { core.close() }

    /// What the client was made from.
    package var configuration: PostgresConfiguration { core.configuration }

    package func query(_ sql: SQL) async throws(PostgresError) -> [Row] {
        try await core.run([sql]).last?.rows ?? []
    }

    @discardableResult
    package func execute(_ sql: SQL) async throws(PostgresError) -> Int {
        try await core.run([sql]).last?.affectedRows ?? 0
    }

    /// Runs the statements as one: one round trip, all or nothing. Throws the first error.
    package func pipeline(_ statements: [SQL]) async throws(PostgresError) -> [[Row]] {
        try await core.run(statements).map(\.rows)
    }

    /// Streams rows into a table in a transaction of its own: `statement` is `copy … from stdin`,
    /// `rows` its lines or binary chunks (`CopyRow`). Returns how many rows went in; at most one
    /// chunk of them is in memory. Throws what the sequence throws, after which nothing went in.
    package func copyIn<Rows: AsyncSequence>(
        _ statement: SQL, rows: Rows
    ) async throws -> Int where Rows.Element == [UInt8] {
        try await withConnection { connection in
            try await connection.copyIn(statement, rows: rows)
        }
    }

    /// Sends rows that are there already into a table, as the other `copyIn`.
    package func copyIn<Rows: Sequence>(
        _ statement: SQL, rows: Rows
    ) async throws -> Int where Rows.Element == [UInt8] {
        try await withConnection { connection in
            try await connection.copyIn(statement, rows: rows)
        }
    }

    /// Lends one connection outside a transaction, for session locks, COPY and large results.
    ///
    /// Throws `.poolTimeout` when none becomes free in time, and what `body` throws. A connection
    /// that comes back inside a transaction is closed; other session state (`set`, locks) is the
    /// caller's.
    package func withConnection<Result: Sendable>(
        _ body: (LeasedConnection) async throws -> Result
    ) async throws -> Result {
        let session = try await core.session()
        let connection = LeasedConnection(session)
        defer {
            connection.end()
            session.end()
        }
        return try await body(connection)
    }

    /// Notifications of a channel until the stream is dropped; the newest 256 are kept for a slow
    /// reader.
    package func listen(_ channel: String) -> AsyncStream<PostgresNotification> {
        core.listener.listen(channel)
    }

    /// Asks the server for a sign of life within two seconds.
    package func ping() async throws(PostgresError) {
        _ = try await core.run(["select 1"], within: .seconds(2))
    }

    /// Refuses new calls, waits for running ones (5 s at most) and closes every connection.
    package func shutdown() async {
        core.refuse()
        let end = ContinuousClock.now + .seconds(5)
        while !core.isQuiet, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(10))
            if Task.isCancelled { break }
        }
        core.close()
    }
}
