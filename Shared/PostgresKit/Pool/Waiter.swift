import Synchronization

/// Somebody who waits for a connection. Ends once.
final class Waiter: Sendable {
    typealias Outcome = Result<Connection, PostgresError>

    /// Nanoseconds of the monotonic clock.
    let deadline: UInt64
    private let number = Atomic<UInt64>(0)
    private let promise = Promise<Connection>()

    init(deadline: UInt64) { self.deadline = deadline }

    /// Its place in the line; set once, before anybody else knows it.
    var identifier: UInt64 {
        get { number.load(ordering: .relaxed) }
        set { number.store(newValue, ordering: .relaxed) }
    }

    func failure(isDown: Bool, now: UInt64) -> PostgresError {
        if deadline <= now { return PostgresError(.deadlineExceeded, "no connection in time") }
        return isDown
            ? PostgresError(.unavailable, "the server is away")
            : PostgresError(.poolTimeout, "no connection became free in time")
    }

    /// False when it had ended before: then the connection is still the giver's.
    @discardableResult
    func finish(_ outcome: Outcome) -> Bool { promise.finish(outcome) }

    func outcome(onCancel: @Sendable () -> Void) async -> Outcome {
        await withTaskCancellationHandler(
            operation: { await promise.outcome() }, onCancel: onCancel)
    }
}
