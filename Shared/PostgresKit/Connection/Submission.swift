import Synchronization

/// Work for a connection and the caller who waits for it. Ends once: with the answer, or earlier
/// with an error (deadline, cancellation), after which the answer is dropped.
final class Submission: Sendable {
    typealias Outcome = Result<[ResultTable], PostgresError>

    enum Work: Sendable {
        /// Statements in one round trip with one sync: outside a transaction they are one.
        case statements([SQL])
        /// Several statements in one text, by the simple protocol.
        case script(String)
        case copyBegin(String)
        case copyChunk([UInt8])
        case copyEnd(failure: String?)
    }

    let work: Work
    /// Nanoseconds of the monotonic clock.
    let deadline: UInt64
    /// How often it was moved to another connection because it had certainly not run.
    let moves = Atomic<Int>(0)
    private let promise = Promise<[ResultTable]>()

    init(_ work: Work, deadline: UInt64) {
        self.work = work
        self.deadline = deadline
    }

    var isFinished: Bool { promise.isFinished }

    /// Ends it, unless it has ended. Resumes the caller: never under a lock.
    func finish(_ outcome: Outcome) { promise.finish(outcome) }

    /// The outcome; one caller only. `onCancel` runs when the task is cancelled meanwhile.
    func outcome(onCancel: @Sendable () -> Void) async -> Outcome {
        await withTaskCancellationHandler(
            operation: { await promise.outcome() }, onCancel: onCancel)
    }

    /// The outcome, whatever happens to the task.
    func outcome() async -> Outcome { await promise.outcome() }
}
