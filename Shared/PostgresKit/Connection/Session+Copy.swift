extension Session {
    /// Rows are sent in chunks of about this many bytes.
    private static let chunkBytes = 65536

    /// Streams rows into a table; returns how many went in.
    func copyIn<Rows: AsyncSequence>(
        _ statement: SQL, rows: Rows
    ) async throws -> Int where Rows.Element == [UInt8] {
        try await begin(statement)
        do {
            var chunk: [UInt8] = []
            for try await row in rows {
                chunk += row
                if chunk.count >= Self.chunkBytes { try await send(&chunk) }
            }
            try await send(&chunk)
        } catch {
            throw await abandoned(error)
        }
        return try await end()
    }

    /// Sends rows that are there already into a table; returns how many went in.
    func copyIn<Rows: Sequence>(
        _ statement: SQL, rows: Rows
    ) async throws(PostgresError) -> Int where Rows.Element == [UInt8] {
        try await begin(statement)
        do throws(PostgresError) {
            var chunk: [UInt8] = []
            for row in rows {
                chunk += row
                if chunk.count >= Self.chunkBytes { try await send(&chunk) }
            }
            try await send(&chunk)
        } catch {
            _ = await abandoned(error)
            throw error
        }
        return try await end()
    }

    private func begin(_ statement: SQL) async throws(PostgresError) {
        guard statement.parameterCount == 0 else {
            throw PostgresError(.encoding, "COPY takes no values")
        }
        _ = try await outcome(of: start(.copyBegin(statement.text))).get()
    }

    /// Returns when libpq has handed the chunk to the system, so no more than one is in memory.
    private func send(_ chunk: inout [UInt8]) async throws(PostgresError) {
        if Task.isCancelled {
            throw PostgresError(.taskCanceled, "the task was cancelled")
        }
        if chunk.isEmpty { return }
        _ = try await finish(.copyChunk(chunk), within: usualLimit).get()
        chunk.removeAll(keepingCapacity: true)
    }

    private func end() async throws(PostgresError) -> Int {
        let tables = try await outcome(of: start(.copyEnd(failure: nil))).get()
        return tables.last?.affectedRows ?? 0
    }

    /// Has the server discard the rows; the reason that ended the stream stays the reason.
    private func abandoned(_ error: any Error) async -> any Error {
        _ = await finish(.copyEnd(failure: "the sender gave up"), within: usualLimit)
        return error
    }
}
