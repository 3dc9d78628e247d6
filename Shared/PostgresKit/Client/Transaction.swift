import Synchronization

/// An open transaction. Valid only inside the body that received it; used later it throws
/// `.closed`.
///
/// BEGIN travels with the first statement.
package final class Transaction: PostgresExecutor {
    /// Whether the whole may run again.
    enum Verdict { case final, conflict, connectionLost }

    private struct State {
        var hasBegun = false
        var hasCommitted = false
        var isOver = false
        var savepoints = 0
        /// The last failure of a statement.
        var failure: PostgresError?
        var afterCommit: [@Sendable () -> Void] = []
    }

    private let session: Session
    private let isolation: Isolation
    private let state = Mutex(State())

    init(_ session: Session, isolation: Isolation) {
        self.session = session
        self.isolation = isolation
    }

    package func query(_ sql: SQL) async throws(PostgresError) -> [Row] {
        try await run([sql]).last?.rows ?? []
    }

    @discardableResult
    package func execute(_ sql: SQL) async throws(PostgresError) -> Int {
        try await run([sql]).last?.affectedRows ?? 0
    }

    /// Runs the statements in one round trip and stops at the first error, which it throws.
    package func pipeline(_ statements: [SQL]) async throws(PostgresError) -> [[Row]] {
        try await run(statements).map(\.rows)
    }

    /// Runs the last statements together with COMMIT in one round trip; after it the transaction is
    /// over, and the body only has to return. Throws what `withTransaction` throws at COMMIT.
    package func commit(with statements: [SQL]) async throws(PostgresError) -> [[Row]] {
        try session.check(statements)
        let (all, extra) = try end(with: statements)
        let tables = try await commit(all)
        return tables.dropFirst(extra).dropLast().map(\.rows)
    }

    /// Has `action` run once the transaction is known to be committed, before the caller goes on:
    /// for telling others in this process. Not when it is rolled back, nor when its end is unknown.
    /// It must not block.
    package func afterCommit(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.afterCommit.append(action) }
    }

    /// Runs a text of several statements without values; `limit` replaces the usual deadline.
    package func script(
        _ text: String, within limit: Duration? = nil
    ) async throws(PostgresError) {
        try await begin()
        do throws(PostgresError) {
            try await session.script(text, within: limit)
        } catch {
            throw record(error)
        }
    }

    /// Streams rows into a table: `statement` is `copy … from stdin`, `rows` its lines or binary
    /// chunks (`CopyRow`). Returns how many rows went in; at most one chunk of them is in memory.
    package func copyIn<Rows: AsyncSequence>(
        _ statement: SQL, rows: Rows
    ) async throws -> Int where Rows.Element == [UInt8] {
        try await begin()
        do {
            return try await session.copyIn(statement, rows: rows)
        } catch {
            if let error = error as? PostgresError { throw record(error) }
            throw error
        }
    }

    /// Sends rows that are there already into a table, as the other `copyIn`.
    package func copyIn<Rows: Sequence>(
        _ statement: SQL, rows: Rows
    ) async throws(PostgresError) -> Int where Rows.Element == [UInt8] {
        try await begin()
        do throws(PostgresError) {
            return try await session.copyIn(statement, rows: rows)
        } catch {
            throw record(error)
        }
    }

    /// Runs `body` so that its failure undoes only what it did, and the transaction can go on.
    /// Throws what `body` throws.
    package func withSavepoint<Result: Sendable>(
        _ body: () async throws -> Result
    ) async throws -> Result {
        let number = state.withLock { state in
            state.savepoints += 1
            return state.savepoints
        }
        let name = "savepoint_\(number)"
        _ = try await run([SQL(unsafeRaw: "savepoint \(name)")])
        do {
            let result = try await body()
            _ = try await run([SQL(unsafeRaw: "release savepoint \(name)")])
            return result
        } catch {
            let undo: [SQL] = [
                SQL(unsafeRaw: "rollback to savepoint \(name)"),
                SQL(unsafeRaw: "release savepoint \(name)"),
            ]
            // When even this fails the transaction is lost, and the next statement tells so.
            let outcome = await session.finish(.statements(undo), within: session.usualLimit)
            if case .success = outcome { state.withLock { $0.failure = nil } }
            throw error
        }
    }

    private func run(_ statements: [SQL]) async throws(PostgresError) -> [ResultTable] {
        if statements.isEmpty { return [] }
        try session.check(statements)
        // Under the mutex, so that nothing overtakes BEGIN when several tasks use the transaction.
        let (submission, isFirst) = state.withLock { state -> (Submission?, Bool) in
            if state.isOver { return (nil, false) }
            defer { state.hasBegun = true }
            let all = state.hasBegun ? statements : [isolation.begin] + statements
            return (session.start(.statements(all)), !state.hasBegun)
        }
        guard let submission else { throw PostgresError(.closed, "the transaction is over") }
        do throws(PostgresError) {
            let tables = try await session.outcome(of: submission).get()
            return isFirst ? Array(tables.dropFirst()) : tables
        } catch {
            throw record(error)
        }
    }

    /// Begins at once, for work that cannot be pipelined with BEGIN.
    private func begin() async throws(PostgresError) {
        let (hasBegun, isOver) = state.withLock { state in
            defer { state.hasBegun = true }
            return (state.hasBegun, state.isOver)
        }
        if isOver { throw PostgresError(.closed, "the transaction is over") }
        if hasBegun { return }
        do throws(PostgresError) {
            _ = try await session.run([isolation.begin])
        } catch {
            throw record(error)
        }
    }

    /// Before COMMIT nothing has happened for good, so the outcome of a lost connection is known.
    private func record(_ error: PostgresError) -> PostgresError {
        let known =
            error.code == .unavailable
            ? PostgresError(.unavailable, error.reason, details: error.details) : error
        state.withLock { state in
            // What follows the failure is only its consequence.
            if error.code != .transactionAborted || state.failure == nil { state.failure = known }
        }
        return known
    }

    // MARK: The end

    func commit() async throws(PostgresError) {
        let isNeeded = state.withLock { $0.hasBegun && !$0.hasCommitted }
        guard isNeeded else { return state.withLock { $0.isOver = true } }
        _ = try await commit(end(with: []).all)
    }

    /// What ends the transaction, and how many of it come before the caller's own statements.
    private func end(with statements: [SQL]) throws(PostgresError) -> (all: [SQL], extra: Int) {
        let (isOver, hasBegun) = state.withLock { state in
            defer { (state.isOver, state.hasBegun) = (true, true) }
            return (state.isOver, state.hasBegun)
        }
        if isOver { throw PostgresError(.closed, "the transaction is over") }
        let begin = hasBegun ? [] : [isolation.begin]
        return (begin + statements + ["commit"], begin.count)
    }

    private func commit(_ statements: [SQL]) async throws(PostgresError) -> [ResultTable] {
        do throws(PostgresError) {
            let work = Submission.Work.statements(statements)
            let tables = try await session.finish(work, within: session.usualLimit).get()
            // The server answers ROLLBACK when a statement had failed and nobody told us.
            guard tables.last?.commandTag == "COMMIT" else {
                throw state.withLock { $0.failure }
                    ?? PostgresError(.transactionAborted, "a statement had failed")
            }
            let actions = state.withLock { state in
                state.hasCommitted = true
                return state.afterCommit
            }
            for action in actions { action() }
            return tables
        } catch {
            guard error.outcomeIsUnknown else { throw record(error) }
            let unknown = error.withUnknownOutcome(.commitUnknown)
            state.withLock { $0.failure = unknown }
            throw unknown
        }
    }

    func rollBack() async {
        let mustRollBack = state.withLock { state in
            state.isOver = true
            return state.hasBegun && !state.hasCommitted
        }
        guard mustRollBack, session.connection.isOpen else { return }
        _ = await session.finish(.statements(["rollback"]), within: .seconds(5))
    }

    var verdict: Verdict {
        switch state.withLock({ $0.hasCommitted ? nil : $0.failure?.code }) {
        case .serializationFailure, .deadlock, .stalePlan: .conflict
        case .unavailable: .connectionLost
        default: .final
        }
    }
}
