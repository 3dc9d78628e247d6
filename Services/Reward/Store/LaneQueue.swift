import Kernel

/// Brings calls that arrive together into one piece of work.
///
/// Calls go by lanes. A lane is in one batch at a time, and only a few batches run at once: what
/// arrives meanwhile goes into the next, so batches grow with the load, and a lone call pays no
/// delay.
actor LaneQueue<Lane: Hashable & Sendable, Call: Sendable, Answer: Sendable> {
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

    private struct Line {
        var waiting: [Submission] = []
        /// Whether its lane is in the queue or in a batch.
        var isTaken = false
    }

    private let limits: Limits
    private let size: @Sendable (Call) -> Int
    private let perform: @Sendable ([Call]) async -> [Result<Answer, any Error>]
    private var lines: [Lane: Line] = [:]
    /// Lanes with waiting calls that are in no batch, the longest waiting first.
    private var queue: [Lane] = []
    private var waiting = 0
    private var running = 0

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
        guard waiting < limits.waiting else { throw RewardFailure.overloaded }
        waiting += 1
        return try await withCheckedThrowingContinuation { reply in
            lines[lane, default: Line()].waiting.append(Submission(call: call, reply: reply))
            enqueue(lane)
            start()
        }
    }

    private func enqueue(_ lane: Lane) {
        guard lines[lane]?.isTaken == false else { return }
        lines[lane]?.isTaken = true
        queue.append(lane)
    }

    private func start() {
        while running < limits.running, !queue.isEmpty {
            let (lanes, batch) = next()
            running += 1
            Task { await work(batch, of: lanes) }
        }
    }

    private func next() -> (lanes: [Lane], batch: [Submission]) {
        var (lanes, batch, total): ([Lane], [Submission], Int) = ([], [], 0)
        while total < limits.batch, lanes.count < min(limits.lanes, queue.count) {
            let lane = queue[lanes.count]
            let waiting = lines[lane]?.waiting ?? []
            var end = 0
            while end < waiting.count, total < limits.batch {
                total += size(waiting[end].call)
                end += 1
            }
            batch += waiting[..<end]
            lines[lane]?.waiting.removeFirst(end)
            lanes.append(lane)
        }
        queue.removeFirst(lanes.count)
        return (lanes, batch)
    }

    private func work(_ batch: [Submission], of lanes: [Lane]) async {
        let results = await perform(batch.map(\.call))
        waiting -= batch.count
        running -= 1
        for lane in lanes {
            lines[lane]?.isTaken = false
            if lines[lane]?.waiting.isEmpty == true { lines[lane] = nil } else { enqueue(lane) }
        }
        start()
        for (submission, result) in zip(batch, results) { submission.reply.resume(with: result) }
    }
}
