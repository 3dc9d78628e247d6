import HTTPKit

extension ClickHouseClient {
    /// Sends the rows as one packed block: all of them become visible, or none.
    ///
    /// A failure with `outcomeIsUnknown` leaves open which; the caller asks before it tries again.
    ///
    /// - Parameters:
    ///   - queryID: names the insert among the server's running queries; unique per attempt.
    ///   - check: which rows of the table the block is. When given, they are counted afterwards,
    ///     by distinct values of `identity`, and `.rowCount` is thrown for another number.
    package func insert(
        _ block: ClickHouseBlock, into table: String, queryID: String? = nil,
        counting check: ClickHouseSQL? = nil, distinct identity: String = "",
        within deadline: Duration? = nil
    ) async throws(ClickHouseError) {
        guard (1...ClickHouseBlock.maximumRows).contains(block.rowCount) else {
            throw ClickHouseError(.encoding, "a block without rows or with too many")
        }
        guard let body = Gzip.pack(block.bytes) else {
            throw ClickHouseError(.encoding, "the rows cannot be packed")
        }
        var sql: ClickHouseSQL = "INSERT INTO \(identifier: table) ("
        for (index, column) in block.columns.enumerated() {
            sql += index == 0 ? "\(identifier: column)" : ", \(identifier: column)"
        }
        sql += ") FORMAT RowBinary"
        var parameters = try await knownSettings()
        if let queryID { parameters.append(("query_id", queryID)) }
        _ = try await send(
            sql, parameters, body: body, retry: .never,
            within: deadline ?? configuration.insertDeadline)
        guard let check else { return }
        let found = try await count(of: check, in: table, distinct: identity)
        guard found == block.rowCount else {
            throw ClickHouseError(
                .rowCount, "\(found) rows of \(block.rowCount) are there", outcomeIsUnknown: true)
        }
    }

    /// How many rows with distinct values of `identity` meet a condition.
    package func count(
        of condition: ClickHouseSQL, in table: String, distinct identity: String
    ) async throws(ClickHouseError) -> Int {
        let rows = try await query(
            """
            SELECT uniqExact(\(identifier: identity)) AS found FROM \(identifier: table)
            WHERE \(condition)
            """)
        return try rows.first?.get("found") ?? 0
    }

    /// How many queries with an id that begins with `prefix` and contains `part` the server is at
    /// work on. After a deadline on our side an insert may still be among them.
    package func runningQueries(
        prefix: String, containing part: String
    ) async throws(ClickHouseError) -> Int {
        let rows = try await query(
            """
            SELECT count() AS running FROM system.processes
            WHERE startsWith(query_id, \(prefix)) AND position(query_id, \(part)) > 0
            """, inDatabase: false)
        return try rows.first?.get("running") ?? 0
    }
}
