import Kernel
import PostgresKit

/// A step to record.
struct StepWrite: Sendable {
    let ownership: Ownership
    let step: RecordedStep
}

/// A failed attempt to record.
struct AttemptWrite: Sendable {
    let ownership: Ownership
    let attempts: RecordedAttempts
}

/// Records steps of all runs of the process, many in one commit. The main lever of the engine's
/// speed.
struct StepWriter: Sendable {
    let postgres: PostgresClient
    let clock: any TimeSource
    let faults: any FaultInjector
    let point: CrashPoint
    let persistence: Persistence
    let lostRuns: @Sendable ([Ownership]) -> Void

    /// Answers nil for a step that was recorded, the earlier record when there was one.
    func flush(_ writes: [StepWrite]) async -> [Result<RecordedStep?, any Error>] {
        await byEpoch(writes, epoch: \.ownership.epoch) { writes, epoch in
            let begun = ContinuousClock.now
            let answers = try await persistence.insist("steps", epoch: epoch) {
                faults.reach(point)
                try persistence.lease.check(epoch)
                return try await write(writes, epoch: epoch)
            }
            persistence.meters.flush.observe(.now - begun)
            persistence.meters.steps.increment(by: writes.count)
            return answers
        }
    }

    private func write(
        _ writes: [StepWrite], epoch: Int64
    ) async throws -> [Result<RecordedStep?, any Error>] {
        let sql = StepStore.insert(writes, epoch: epoch, at: clock.now())
        let inserted: Int64? = try await postgres.queryOne(sql)?.get(at: 0)
        if inserted == Int64(writes.count) { return writes.map { _ in .success(nil) } }
        return try await explain(writes, epoch: epoch)
    }

    /// Some rows were refused: their step is recorded already, or their run is no longer ours.
    private func explain(
        _ writes: [StepWrite], epoch: Int64
    ) async throws -> [Result<RecordedStep?, any Error>] {
        let held = try await StepStore.held(writes.map(\.ownership), on: postgres)
        let recorded = try await StepStore.recorded(writes, on: postgres)
        lostRuns(writes.map(\.ownership).filter { !held.contains($0) })
        return writes.map { write in
            let key = StepKey(runID: write.ownership.runID, name: write.step.name)
            guard held.contains(write.ownership), let step = recorded[key] else {
                return .failure(OwnershipLost())
            }
            return .success(step)
        }
    }
}

/// Records failed attempts.
struct AttemptWriter: Sendable {
    let postgres: PostgresClient
    let persistence: Persistence

    func flush(_ writes: [AttemptWrite]) async -> [Result<Void, any Error>] {
        await byEpoch(writes, epoch: \.ownership.epoch) { writes, epoch in
            _ = try await persistence.insist("attempts", epoch: epoch) {
                try await postgres.execute(StepStore.upsert(writes, epoch: epoch))
            }
            return writes.map { _ in .success(()) }
        }
    }
}

/// Writes what belongs to each epoch by itself: a batch may straddle the loss of a lease.
func byEpoch<Write: Sendable, Answer: Sendable>(
    _ writes: [Write], epoch: KeyPath<Write, Int64>,
    _ flush: ([Write], Int64) async throws -> [Result<Answer, any Error>]
) async -> [Result<Answer, any Error>] {
    var answers: [Result<Answer, any Error>] = []
    answers.reserveCapacity(writes.count)
    var rest = writes[...]
    while let first = rest.first {
        let current = first[keyPath: epoch]
        let group = Array(rest.prefix { $0[keyPath: epoch] == current })
        rest = rest.dropFirst(group.count)
        do {
            answers += try await flush(group, current)
        } catch {
            answers += group.map { _ in .failure(error) }
        }
    }
    return answers
}
