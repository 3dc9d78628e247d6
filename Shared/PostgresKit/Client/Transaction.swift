/// An open transaction. Valid only inside the body that received it.
package final class Transaction: PostgresExecutor {
    package func query(_ sql: SQL) async throws(PostgresError) -> [Row] {
        throw PostgresError(.closed, "the transaction is over")
    }

    @discardableResult
    package func execute(_ sql: SQL) async throws(PostgresError) -> Int {
        throw PostgresError(.closed, "the transaction is over")
    }

    /// Runs the statements in one round trip and stops at the first error, which it throws.
    package func pipeline(_ statements: [SQL]) async throws(PostgresError) -> [[Row]] {
        throw PostgresError(.closed, "the transaction is over")
    }

    /// Runs a text of several statements without values.
    package func script(_ text: String) async throws(PostgresError) {
        throw PostgresError(.closed, "the transaction is over")
    }

    /// Streams rows into a table: `statement` is `copy … from stdin`, `rows` its lines or binary chunks.
    /// Returns how many rows went in. Memory stays bounded by one chunk.
    package func copyIn<Rows: AsyncSequence>(
        _ statement: SQL, rows: Rows
    ) async throws -> Int where Rows.Element == [UInt8] {
        throw PostgresError(.closed, "the transaction is over")
    }
}

/// A connection lent outside a transaction. Valid only inside the body that received it.
package final class LeasedConnection: PostgresExecutor {
    package func query(_ sql: SQL) async throws(PostgresError) -> [Row] {
        throw PostgresError(.closed, "the connection was given back")
    }

    @discardableResult
    package func execute(_ sql: SQL) async throws(PostgresError) -> Int {
        throw PostgresError(.closed, "the connection was given back")
    }
}
