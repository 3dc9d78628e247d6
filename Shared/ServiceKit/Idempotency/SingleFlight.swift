import Synchronization

/// Lets one of several equal pieces of work run in this process; the others wait for its result.
///
/// What waits here holds no database connection, so twins cannot eat the pool.
final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// What a caller may do now.
    enum Turn: Sendable {
        /// Do the work, then call `finish` exactly once.
        case lead
        /// Another did it, with this result.
        case followed(Value)
        /// It took too long, too many wait, or the caller was cancelled.
        case gaveUp
    }

    private struct Flight {
        var waiters: [Int: CheckedContinuation<Turn, Never>] = [:]
        /// Waiters in the order in which they came; ids of those that left stay until their turn.
        var order: [Int] = []
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        var nextID = 0
        var waiting = 0
        /// Callers that are about to wait; one that gives up before it waits is taken out.
        var arriving: Set<Int> = []
    }

    private let state = Mutex(State())
    private let maximumWaiting: Int

    init(maximumWaiting: Int = 10_000) {
        self.maximumWaiting = maximumWaiting
    }

    /// How many wait now.
    var waitingCount: Int { state.withLock { $0.waiting } }

    /// Waits until it is this caller's turn or the work is done, at most `limit`.
    func enter(_ key: Key, within limit: Duration) async -> Turn {
        let id = state.withLock { state -> Int? in
            guard state.flights[key] != nil else {
                state.flights[key] = Flight()
                return nil
            }
            state.nextID += 1
            state.arriving.insert(state.nextID)
            return state.nextID
        }
        guard let id else { return .lead }
        let timer = Task { [weak self] in
            try await Task.sleep(for: limit)
            self?.abandon(key, id)
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let turn = join(key, id, continuation)
                if let turn { continuation.resume(returning: turn) }
            }
        } onCancel: {
            abandon(key, id)
        }
    }

    /// Ends the leader's turn. With a value all who wait get it; without, the next one leads.
    func finish(_ key: Key, with value: Value?) {
        let resumed = state.withLock { state -> [(CheckedContinuation<Turn, Never>, Turn)] in
            guard var flight = state.flights.removeValue(forKey: key) else { return [] }
            if let value {
                state.waiting -= flight.waiters.count
                return flight.waiters.values.map { ($0, .followed(value)) }
            }
            var order = flight.order[...]
            while let id = order.popFirst() {
                guard let next = flight.waiters.removeValue(forKey: id) else { continue }
                state.waiting -= 1
                flight.order = Array(order)
                state.flights[key] = flight
                return [(next, .lead)]
            }
            return []
        }
        for (continuation, turn) in resumed { continuation.resume(returning: turn) }
    }

    /// Nil when the caller now waits.
    private func join(
        _ key: Key, _ id: Int, _ continuation: CheckedContinuation<Turn, Never>
    ) -> Turn? {
        state.withLock { state in
            guard state.arriving.remove(id) != nil else { return .gaveUp }
            guard state.flights[key] != nil else {
                // The leader finished in between: this caller finds what it left.
                state.flights[key] = Flight()
                return .lead
            }
            guard state.waiting < maximumWaiting else { return .gaveUp }
            state.waiting += 1
            state.flights[key]?.waiters[id] = continuation
            state.flights[key]?.order.append(id)
            return nil
        }
    }

    private func abandon(_ key: Key, _ id: Int) {
        let continuation = state.withLock { state -> CheckedContinuation<Turn, Never>? in
            if let waiter = state.flights[key]?.waiters.removeValue(forKey: id) {
                state.waiting -= 1
                return waiter
            }
            state.arriving.remove(id)
            return nil
        }
        continuation?.resume(returning: .gaveUp)
    }
}
