import Kernel

extension PostgresClient {
    /// How often a transaction is tried.
    private static var maximumAttempts: Int { 5 }

    /// Runs `body` in a transaction: commits when it returns, rolls back when it throws.
    ///
    /// `body` runs again (5 times at most, with full jitter) after a serialization failure or
    /// deadlock, and once after the connection was lost before COMMIT; so it must have no other
    /// effects. Throws `.commitUnknown` when the connection is lost at COMMIT, `.poolTimeout` when
    /// no connection is free in time, and what `body` throws. A body that swallows the error of a
    /// statement cannot commit.
    package func withTransaction<Result: Sendable>(
        isolation: Isolation = .readCommitted,
        _ body: (Transaction) async throws -> Result
    ) async throws -> Result {
        var backoff = Backoff(base: .milliseconds(5), limit: .milliseconds(500))
        var losses = 0
        while true {
            let session = try await core.session()
            let transaction = Transaction(session, isolation: isolation)
            do {
                let result = try await body(transaction)
                try await transaction.commit()
                session.end()
                transaction.tell()
                return result
            } catch {
                await transaction.rollBack()
                session.end()
                transaction.tell()
                let pause = backoff.fail()
                if case .connectionLost = transaction.verdict { losses += 1 }
                guard transaction.verdict != .final, losses <= 1,
                    backoff.failures < Self.maximumAttempts, !Task.isCancelled
                else { throw error }
                try await Task.sleep(for: pause)
            }
        }
    }
}
