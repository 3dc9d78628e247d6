import Synchronization

/// Cancels step bodies that take too long; swept by the engine, so a step costs no timer.
final class AttemptTimeouts: Sendable {
    private struct Entry {
        let deadline: ContinuousClock.Instant
        let cancel: @Sendable () -> Void
        var expired = false
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Runs the body in a task of its own; cancels it after `limit` and then throws
    /// `AttemptTimeout` unless the body returns a value all the same. Waits for the body to end in
    /// any case, so two attempts of a step never overlap in one process.
    func run<Value: Sendable>(
        limit: Duration, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let task = Task { try await body() }
        let number = add(deadline: .now + limit) { task.cancel() }
        let result = await withTaskCancellationHandler {
            await task.result
        } onCancel: {
            task.cancel()
        }
        let expired = remove(number)
        if expired, case .failure = result { throw AttemptTimeout() }
        return try result.get()
    }

    /// Cancels what is overdue.
    func sweep() {
        let now = ContinuousClock.now
        let overdue = state.withLock { state in
            var overdue: [@Sendable () -> Void] = []
            for (number, entry) in state.entries where entry.deadline <= now && !entry.expired {
                state.entries[number]?.expired = true
                overdue.append(entry.cancel)
            }
            return overdue
        }
        for cancel in overdue { cancel() }
    }

    private func add(
        deadline: ContinuousClock.Instant, cancel: @escaping @Sendable () -> Void
    ) -> UInt64 {
        state.withLock { state in
            state.next += 1
            state.entries[state.next] = Entry(deadline: deadline, cancel: cancel)
            return state.next
        }
    }

    private func remove(_ number: UInt64) -> Bool {
        state.withLock { $0.entries.removeValue(forKey: number)?.expired ?? false }
    }
}
