import Kernel
import Synchronization

/// Brings calls that arrive together into one piece of work.
///
/// Calls go by lanes. A lane is in one batch at a time, and only a few batches run at once: what
/// arrives meanwhile goes into the next, so batches grow with the load. A call that finds nothing
/// in its way is done at once, in its own task.
final class LaneQueue<Lane: Hashable & Sendable, Call: Sendable, Answer: Sendable>: Sendable {
    /// What bounds a queue.
    struct Limits: Sendable {
        /// Calls beyond these are refused.
        var waiting = 10_000
        /// Batches at the same time.
        var running: Int
        /// The size from which a batch takes no further call.
        var batch: Int
        /// Lanes in one batch.
        var lanes = Int.max
    }

    private struct Submission {
        let call: Call
        let reply: CheckedContinuation<Answer, any Error>
    }

    private struct Batch: Sendable {
        var lanes: [Lane] = []
        var submissions: [Submission] = []
    }

    private struct Line {
        var waiting: [Submission] = []
        /// Whether its lane is in the queue or in a batch.
        var isTaken = false
    }

    private struct State {
        var lines: [Lane: Line] = [:]
        /// Lanes with waiting calls that are in no batch, the longest waiting first. Empty while
        /// another batch may run.
        var queue: [Lane] = []
        var waiting = 0
        var running = 0

        mutating func enqueue(_ lane: Lane) {
            guard lines[lane]?.isTaken == false else { return }
            lines[lane]?.isTaken = true
            queue.append(lane)
        }
    }

    private let limits: Limits
    private let size: @Sendable (Call) -> Int
    private let perform: @Sendable ([Call]) async -> [Result<Answer, any Error>]
    private let state = Mutex(State())

    /// - Parameter size: how much a call counts towards the batch's limit.
    /// - Parameter perform: does the work; one result for each call, in their order.
    init(
        _ limits: Limits, size: @escaping @Sendable (Call) -> Int = { _ in 1 },
        perform: @escaping @Sendable ([Call]) async -> [Result<Answer, any Error>]
    ) {
        self.limits = limits
        self.size = size
        self.perform = perform
    }

    /// The call's answer. Throws `RewardFailure.overloaded` when too many wait already, and what
    /// the work throws for this call.
    func answer(_ call: Call, in lane: Lane) async throws -> Answer {
        if try begins(lane) {
            let results = await perform([call])
            finish([lane], calls: 1)
            return try results[0].get()
        }
        return try await withCheckedThrowingContinuation { reply in
            let batches = state.withLock { state in
                state.waiting += 1
                state.lines[lane, default: Line()].waiting.append(
                    Submission(call: call, reply: reply))
                state.enqueue(lane)
                return next(&state)
            }
            start(batches)
        }
    }

    /// Whether a call on this lane may be done now, as a batch of its own.
    private func begins(_ lane: Lane) throws(RewardFailure) -> Bool {
        try state.withLock { state throws(RewardFailure) in
            guard state.waiting < limits.waiting else { throw .overloaded }
            guard state.running < limits.running, state.lines[lane] == nil else { return false }
            state.lines[lane] = Line(isTaken: true)
            state.waiting += 1
            state.running += 1
            return true
        }
    }

    /// The batches that may run now.
    private func next(_ state: inout State) -> [Batch] {
        var batches: [Batch] = []
        while state.running < limits.running, !state.queue.isEmpty {
            state.running += 1
            batches.append(take(from: &state))
        }
        return batches
    }

    private func take(from state: inout State) -> Batch {
        var (batch, total) = (Batch(), 0)
        while total < limits.batch, batch.lanes.count < min(limits.lanes, state.queue.count) {
            let lane = state.queue[batch.lanes.count]
            let waiting = state.lines[lane]?.waiting ?? []
            var end = 0
            while end < waiting.count, total < limits.batch {
                total += size(waiting[end].call)
                end += 1
            }
            batch.submissions += waiting[..<end]
            batch.lanes.append(lane)
            state.lines[lane]?.waiting.removeFirst(end)
        }
        state.queue.removeFirst(batch.lanes.count)
        return batch
    }

    private func start(_ batches: [Batch]) {
        for batch in batches {
            Task(executorPreference: NearExecutor.shared) { await self.work(batch) }
        }
    }

    private func work(_ batch: Batch) async {
        let results = await perform(batch.submissions.map { $0.call })
        finish(batch.lanes, calls: batch.submissions.count)
        for (submission, result) in zip(batch.submissions, results) {
            submission.reply.resume(with: result)
        }
    }

    private func finish(_ lanes: [Lane], calls: Int) {
        let batches = state.withLock { state in
            state.waiting -= calls
            state.running -= 1
            for lane in lanes {
                state.lines[lane]?.isTaken = false
                if state.lines[lane]?.waiting.isEmpty == true {
                    state.lines[lane] = nil
                } else {
                    state.enqueue(lane)
                }
            }
            return next(&state)
        }
        start(batches)
    }
}
