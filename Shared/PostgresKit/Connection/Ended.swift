/// What becomes of the work on a connection that ends.
struct Ended {
    var finished: [(Submission, Submission.Outcome)] = []
    /// Certainly did not run.
    var unsent: [Submission] = []

    init(_ state: inout ConnectionState) {
        finished = state.held
        state.held = []
        let message = state.handle.errorMessage
        var isRefused = false
        for (index, entry) in state.inFlight.removeAll().enumerated() {
            // The server answers in order. When it took leave (57P01) instead of answering this
            // one, neither this one nor any behind it has run.
            if index == 0, let failure = entry.failure, entry.results.isEmpty,
                failure.sqlState == "57P01", failure.details?.isFatal == true
            {
                isRefused = true
            }
            guard let submission = entry.submission else { continue }
            if isRefused {
                unsent.append(submission)
            } else {
                let failure = PostgresError(
                    .unavailable, "the connection was lost",
                    details: entry.failure?.details
                        ?? ServerDetails(sqlState: "08006", message: message),
                    outcomeIsUnknown: true)
                finished.append((submission, .failure(failure)))
            }
        }
        unsent += state.waiting.removeAll()
    }
}
