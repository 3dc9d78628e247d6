import Kernel
import Synchronization

/// What a task of its own came to.
private final class Outcome<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    let done = WakeSignal()

    func set(_ value: Result<Value, any Error>) {
        result.withLock { $0 = value }
        done.raise()
    }

    var value: Value? {
        get throws { try result.withLock { $0 }?.get() }
    }
}

/// Runs work that must not stop half-way, and waits for it at most `limit`.
///
/// Nil when the time is over or the caller was cancelled: the work goes on to its end by itself.
func finishing<Value: Sendable>(
    within limit: Duration, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value? {
    let outcome = Outcome<Value>()
    Task {
        do {
            outcome.set(.success(try await work()))
        } catch {
            outcome.set(.failure(error))
        }
    }
    await outcome.done.wait(past: 0, within: limit)
    return try outcome.value
}
