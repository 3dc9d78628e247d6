import Synchronization

/// Lets tasks sleep until something may have changed, or until a time is over.
///
/// A signal raised while nobody waits is not lost: `wait` compares with the number of raises that
/// the waiter has already seen. Many raises wake once.
package final class WakeSignal: Sendable {
    private struct State {
        var raises: UInt64 = 0
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// How often it was raised; take it before looking at what may have changed.
    package var raises: UInt64 { state.withLock { $0.raises } }

    /// Wakes everyone who waits, at once.
    package func raise() {
        let waiters = state.withLock { state in
            state.raises += 1
            defer { state.waiters.removeAll() }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when it was raised beyond `seen`, when `limit` is over, or when the task is
    /// cancelled.
    package func wait(past seen: UInt64, within limit: Duration) async {
        guard limit > .zero else { return }
        let waiter = state.withLock { state in
            defer { state.nextWaiter += 1 }
            return state.nextWaiter
        }
        var timer: Task<Void, Never>?
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    // Checked under the lock: a cancellation handler that ran before found nobody.
                    if state.raises != seen || Task.isCancelled { return true }
                    state.waiters[waiter] = continuation
                    return false
                }
                if isDue { return continuation.resume() }
                timer = Task { [self] in
                    try? await Task.sleep(for: limit)
                    resume(waiter)
                }
            }
        } onCancel: {
            resume(waiter)
        }
        timer?.cancel()
    }

    private func resume(_ waiter: UInt64) {
        state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume()
    }
}
