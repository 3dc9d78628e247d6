/// What runs statements: the client (each by itself), a transaction, or a leased connection.
///
/// Every call throws `.encoding` for a value that cannot be sent, `.unavailable` when the
/// connection is lost, `.deadlineExceeded` past the deadline (`withPostgresDeadline`),
/// `.taskCanceled` when the task is cancelled, and the server's own errors.
package protocol PostgresExecutor: Sendable {
    /// Runs one statement and returns its rows, all of them in memory.
    func query(_ sql: SQL) async throws(PostgresError) -> [Row]

    /// Runs one statement and returns how many rows it touched.
    @discardableResult
    func execute(_ sql: SQL) async throws(PostgresError) -> Int
}

extension PostgresExecutor {
    /// The rows, each decoded.
    package func query<Record: RowDecodable>(
        _ sql: SQL, as type: Record.Type = Record.self
    ) async throws(PostgresError) -> [Record] {
        var records: [Record] = []
        let rows = try await query(sql)
        records.reserveCapacity(rows.count)
        for row in rows { records.append(try Record(row: row)) }
        return records
    }

    /// The first row, nil when there is none.
    package func queryOne(_ sql: SQL) async throws(PostgresError) -> Row? {
        try await query(sql).first
    }

    /// The first row decoded, nil when there is none.
    package func queryOne<Record: RowDecodable>(
        _ sql: SQL, as type: Record.Type = Record.self
    ) async throws(PostgresError) -> Record? {
        guard let row = try await query(sql).first else { return nil }
        return try Record(row: row)
    }
}

/// The moment until which calls to PostgreSQL made by this task may last.
package enum PostgresDeadline {
    @TaskLocal package static var current: ContinuousClock.Instant?
}

/// Runs `body` with a deadline for each of its calls to PostgreSQL; an earlier outer one stays.
package func withPostgresDeadline<Result>(
    _ deadline: ContinuousClock.Instant, _ body: () async throws -> Result
) async rethrows -> Result {
    let earliest = PostgresDeadline.current.map { min($0, deadline) } ?? deadline
    return try await PostgresDeadline.$current.withValue(earliest, operation: body)
}
