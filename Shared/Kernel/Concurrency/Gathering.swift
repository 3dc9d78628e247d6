import Synchronization

/// Does the work of many callers together: while one batch is under way the next one fills.
///
/// A lone caller after a quiet time is served at once. Under load batches begin at least `interval`
/// apart, so that more callers share one.
package final class Gathering<Item: Sendable, Answer: Sendable>: Sendable {
    private struct Waiting {
        let item: Item
        let continuation: CheckedContinuation<Answer, any Error>
    }

    private struct State {
        var waiting: [Waiting] = []
        var isRunning = false
        var lastStart: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let limit: Int
    private let interval: Duration
    private let isEverybodys: @Sendable (any Error) -> Bool
    private let work: @Sendable ([Item]) async throws -> [Answer]

    /// At most `limit` items go into one batch.
    ///
    /// - Parameters:
    ///   - isEverybodys: whether an error says nothing of the items, as when a server is away.
    ///     After any other error of a batch each of its items is tried alone, so that one item
    ///     cannot spoil it for the others.
    ///   - work: answers the items in their order, all or none.
    package init(
        limit: Int, interval: Duration,
        isEverybodys: @escaping @Sendable (any Error) -> Bool,
        work: @escaping @Sendable ([Item]) async throws -> [Answer]
    ) {
        self.limit = limit
        self.interval = interval
        self.isEverybodys = isEverybodys
        self.work = work
    }

    /// How many callers wait for a batch to begin.
    package var waiting: Int { state.withLock { $0.waiting.count } }

    /// The answer to an item; throws what the work throws. Not cancellable: what may be under
    /// way is waited for.
    package func callAsFunction(_ item: Item) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            let isFirst = state.withLock { state in
                state.waiting.append(Waiting(item: item, continuation: continuation))
                defer { state.isRunning = true }
                return !state.isRunning
            }
            // Detached: it serves others too, so it belongs to nobody's trace.
            if isFirst { Task.detached { await self.run() } }
        }
    }

    private func run() async {
        while true {
            let pause = state.withLock { state in
                state.lastStart.map { interval - $0.duration(to: .now) } ?? .zero
            }
            if pause > .zero { try? await Task.sleep(for: pause) }
            let batch = state.withLock { state in
                let batch = Array(state.waiting.prefix(limit))
                state.waiting.removeFirst(batch.count)
                state.isRunning = !batch.isEmpty
                if !batch.isEmpty { state.lastStart = .now }
                return batch
            }
            if batch.isEmpty { return }
            await serve(batch)
        }
    }

    private func serve(_ batch: [Waiting]) async {
        do {
            let answers = try await work(batch.map(\.item))
            precondition(answers.count == batch.count, "an answer for each item")
            for (waiting, answer) in zip(batch, answers) {
                waiting.continuation.resume(returning: answer)
            }
        } catch {
            guard batch.count > 1, !isEverybodys(error) else {
                for waiting in batch { waiting.continuation.resume(throwing: error) }
                return
            }
            for waiting in batch { await serve([waiting]) }
        }
    }
}
