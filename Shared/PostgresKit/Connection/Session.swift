/// A connection while it is lent to one borrower.
final class Session: Sendable {
    let connection: Connection
    private let core: PostgresCore

    init(_ connection: Connection, core: PostgresCore) {
        self.connection = connection
        self.core = core
    }

    func end() { core.pool.giveBack(connection) }

    /// Throws what is known to be wrong before anything is sent.
    func check(_ statements: [SQL]) throws(PostgresError) { try core.check(statements) }

    /// Puts work in line at once; nil deadline: that of the task, or the usual one.
    func start(_ work: Submission.Work, deadline: UInt64? = nil) -> Submission {
        let submission = Submission(work, deadline: deadline ?? core.deadline())
        if !connection.submit(submission, isInline: true) {
            submission.finish(.failure(PostgresError(.unavailable, "the connection was lost")))
        }
        return submission
    }

    /// Waits for the answer; a cancelled task has the server stop the work.
    func outcome(of submission: Submission) async -> Submission.Outcome {
        let outcome = await submission.outcome {
            self.connection.cancel(submission, .taskCanceled)
        }
        core.metrics.count(outcome)
        return outcome
    }

    func run(_ statements: [SQL]) async throws(PostgresError) -> [ResultTable] {
        try core.check(statements)
        return try await outcome(of: start(.statements(statements))).get()
    }

    /// Runs work that must come to its end although the task may be cancelled.
    func finish(_ work: Submission.Work, within limit: Duration) async -> Submission.Outcome {
        let submission = start(work, deadline: Monotonic.now() + limit.nanoseconds)
        let outcome = await submission.outcome()
        core.metrics.count(outcome)
        return outcome
    }

    /// How long a statement without a deadline of its own may take, with some time for the way.
    var usualLimit: Duration { core.configuration.statementTimeout + .seconds(5) }

    /// Runs a text of several statements; `limit` replaces the usual deadline.
    func script(_ text: String, within limit: Duration? = nil) async throws(PostgresError) {
        try core.check([SQL(unsafeRaw: text)])
        let deadline = limit.map { Monotonic.now() + $0.nanoseconds }
        _ = try await outcome(of: start(.script(text), deadline: deadline)).get()
    }
}
