import Synchronization

/// Gathers the writes of many tasks into one transaction each time the last one is through.
///
/// A lone write goes out at once, and while a flush is under way the next batch fills by itself.
/// Under load the next flush is put off for some milliseconds more: a commit costs the same for
/// one write and for fifty.
final class GroupWriter<Operation: Sendable, Answer: Sendable>: Sendable {
    /// Writes a batch and answers each operation in order.
    typealias Flush = @Sendable ([Operation]) async -> [Result<Answer, any Error>]

    private struct Waiting {
        let operation: Operation
        let continuation: CheckedContinuation<Answer, any Error>
    }

    private struct State {
        var waiting: [Waiting] = []
        var flushing = false
    }

    private let state = Mutex(State())
    private let batchLimit: Int
    private let pause: @Sendable () -> Duration
    private let flush: Flush

    /// At most `batchLimit` operations go into one flush; `pause` says how long to gather before
    /// the next one begins.
    init(
        batchLimit: Int = 512, pause: @escaping @Sendable () -> Duration = { .zero },
        flush: @escaping Flush
    ) {
        self.batchLimit = batchLimit
        self.pause = pause
        self.flush = flush
    }

    /// Returns when the operation is durable; throws what its flush says. Not cancellable: a write
    /// that may be under way is waited for.
    func submit(_ operation: Operation) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            let idle = state.withLock { state in
                state.waiting.append(Waiting(operation: operation, continuation: continuation))
                defer { state.flushing = true }
                return !state.flushing
            }
            if idle { Task { await run() } }
        }
    }

    private func run() async {
        while true {
            // Lets tasks that are about to write join this batch.
            await Task.yield()
            let batch = nextBatch()
            guard !batch.isEmpty else { return }
            let answers = await flush(batch.map(\.operation))
            for (waiting, answer) in zip(batch, answers) {
                waiting.continuation.resume(with: answer)
            }
            let pause = pause()
            if pause > .zero { try? await Task.sleep(for: pause) }
        }
    }

    private func nextBatch() -> [Waiting] {
        state.withLock { state in
            let batch = Array(state.waiting.prefix(batchLimit))
            state.waiting.removeFirst(batch.count)
            state.flushing = !batch.isEmpty
            return batch
        }
    }
}
