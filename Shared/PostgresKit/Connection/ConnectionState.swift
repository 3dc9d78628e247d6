/// What a connection is doing; lives under its mutex. Sending and receiving are in extensions.
struct ConnectionState {
    /// The protocol in use: pipelined statements, or one thing at a time.
    enum Mode { case pipeline, script, copy }

    enum Step {
        case prepare(StatementCache.Key)
        case execute
        /// An answer nobody wants (freeing a prepared statement).
        case discard
    }

    /// Work that was sent and not fully answered.
    struct InFlight {
        let submission: Submission?
        let steps: [Step]
        /// The statements' places in the cache, to forget those whose plan is out of date.
        var keys: [StatementCache.Key] = []
        var received = 0
        var results: [ResultTable] = []
        var failure: PostgresError?
    }

    /// What has to be done once the mutex is free.
    struct Effects {
        var finished: [(Submission, Submission.Outcome)] = []
        var watchWriting: Bool?
        var notifications: [(channel: String, payload: String)] = []
        var isLost = false

        var isEmpty: Bool {
            finished.isEmpty && watchWriting == nil && notifications.isEmpty && !isLost
        }
    }

    let handle: ConnectionHandle
    let descriptor: Int32
    var mode = Mode.pipeline
    var cache: StatementCache
    var waiting = Queue<Submission>()
    var inFlight = Queue<InFlight>()
    /// The output is full; sending goes on when the socket takes more.
    var isOutputFull = false
    /// A cancel request is on its way: nothing is handed out until it cannot hit the next
    /// statement.
    var isCancelling = false
    var held: [(Submission, Submission.Outcome)] = []
    /// When a cancel was asked for, and why; zero when it was not.
    var cancelledAt: UInt64 = 0
    var cancelReason = PostgresError.Code.queryCanceled
    /// When the head of `inFlight` became the head.
    var headSince: UInt64 = 0
    var isClosed = false

    init(handle: ConnectionHandle, preparedStatements: Int) {
        self.handle = handle
        descriptor = handle.socket
        cache = StatementCache(capacity: preparedStatements)
    }

    /// Ends the head of the line.
    mutating func finishHead(_ effects: inout Effects) {
        guard let head = inFlight.popFirst() else { return }
        headSince = inFlight.isEmpty ? 0 : Monotonic.now()
        guard let submission = head.submission else { return }
        let outcome: Submission.Outcome
        if let failure = head.failure {
            outcome = .failure(explained(failure))
            if failure.code == .stalePlan { for key in head.keys { cache.forget(key) } }
        } else {
            outcome = .success(head.results)
        }
        if isCancelling {
            held.append((submission, outcome))
        } else {
            cancelledAt = 0
            effects.finished.append((submission, outcome))
        }
    }

    /// A cancelled statement tells who cancelled it.
    private func explained(_ failure: PostgresError) -> PostgresError {
        guard cancelledAt != 0, failure.code == .queryCanceled else { return failure }
        return PostgresError(
            cancelReason, "the statement was cancelled", details: failure.details)
    }
}
