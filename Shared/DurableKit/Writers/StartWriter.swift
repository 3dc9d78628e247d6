import Kernel
import PostgresKit

/// Starts runs, many in one statement, and keeps them for this process while it has room.
struct StartWriter: Sendable {
    let postgres: PostgresClient
    let clock: any TimeSource
    let lease: Lease
    let residents: Residents
    let taken: TakenRuns

    func flush(_ writes: [StartWrite]) async -> [Result<StartResult, any Error>] {
        let time = clock.now()
        let epoch = epochToTake(writes)
        let runs = epoch.map { epoch in
            writes.map { ClaimedRun($0, at: time, epoch: epoch) }
        }
        // Before the write: its answer may get lost.
        taken.add(runs ?? [])
        do {
            let answer = try await RunStore.start(writes, at: time, epoch: epoch, on: postgres)
            let others = writes.map(\.runID).filter { !answer.taken.contains($0) }
            if runs != nil { _ = taken.take(others) }
            return answer.results.map { .success($0) }
        } catch {
            let isKnown = (error as? PostgresError).map { !$0.outcomeIsUnknown } ?? false
            if isKnown { _ = taken.take(writes.map(\.runID)) }
            return writes.map { _ in .failure(error) }
        }
    }

    /// The lease under which this process may keep the new runs for itself; nil when others were
    /// first, it is full or stops, or has no code for them.
    func epochToTake(_ writes: [StartWrite]) -> Int64? {
        guard writes.allSatisfy(\.isRunnable), !residents.hasBacklog,
            residents.free >= writes.count + taken.count
        else { return nil }
        return lease.epoch
    }
}
