import Synchronization

/// A connection lent outside a transaction. Valid only inside the body that received it; used later
/// it throws `.closed`.
package final class LeasedConnection: PostgresExecutor {
    private let session: Session
    private let isOver = Atomic<Bool>(false)

    init(_ session: Session) { self.session = session }

    func end() { isOver.store(true, ordering: .releasing) }

    private func valid() throws(PostgresError) -> Session {
        if isOver.load(ordering: .acquiring) {
            throw PostgresError(.closed, "the connection was given back")
        }
        return session
    }

    package func query(_ sql: SQL) async throws(PostgresError) -> [Row] {
        try await valid().run([sql]).last?.rows ?? []
    }

    @discardableResult
    package func execute(_ sql: SQL) async throws(PostgresError) -> Int {
        try await valid().run([sql]).last?.affectedRows ?? 0
    }

    /// Runs the statements as one: one round trip, all or nothing. Throws the first error.
    package func pipeline(_ statements: [SQL]) async throws(PostgresError) -> [[Row]] {
        try await valid().run(statements).map(\.rows)
    }

    /// Runs a text of several statements without values; `limit` replaces the usual deadline.
    package func script(
        _ text: String, within limit: Duration? = nil
    ) async throws(PostgresError) {
        try await valid().script(text, within: limit)
    }

    /// Streams rows into a table; see `PostgresClient.copyIn`.
    package func copyIn<Rows: AsyncSequence>(
        _ statement: SQL, rows: Rows
    ) async throws -> Int where Rows.Element == [UInt8] {
        try await valid().copyIn(statement, rows: rows)
    }

    /// Sends rows that are there already into a table; see `PostgresClient.copyIn`.
    package func copyIn<Rows: Sequence>(
        _ statement: SQL, rows: Rows
    ) async throws(PostgresError) -> Int where Rows.Element == [UInt8] {
        try await valid().copyIn(statement, rows: rows)
    }
}
