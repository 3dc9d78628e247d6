import Kernel
package import PostgresKit

/// What a service adds to the commit that ends runs.
package typealias FinishHook = @Sendable ([FinishedRun], Transaction) async throws -> Void

/// Ends runs, many in one commit, together with what the service's hook writes.
struct FinishWriter: Sendable {
    let postgres: PostgresClient
    let clock: any TimeSource
    let faults: any FaultInjector
    let points: CrashPoints
    let persistence: Persistence
    let hook: FinishHook?
    let logger: Logger

    /// How often a hook may fail for one run before the run is set aside.
    static let hookAttempts = 5

    /// Every run is answered once its end is durable or no longer ours to write.
    func flush(_ writes: [FinishWrite]) async -> [Result<Void, any Error>] {
        await byEpoch(writes, epoch: \.run.epoch) { writes, epoch in
            do {
                try await finish(writes, epoch: epoch)
            } catch is HookFailure {
                // One bad run must not hold up the others.
                for write in writes { try await finishAlone(write) }
            }
            return writes.map { _ in .success(()) }
        }
    }

    private func finish(_ writes: [FinishWrite], epoch: Int64) async throws {
        let finished = try await persistence.insist(
            "finish", epoch: epoch, isFinal: { $0 is HookFailure }
        ) {
            guard let hook else { return try await finishInOneStatement(writes, epoch: epoch) }
            return try await finishWithHook(hook, writes, epoch: epoch)
        }
        faults.reach(points.finishAfterCommit)
        for write in writes where finished.contains(write.run.runID) {
            persistence.meters.finished(write.state)
        }
    }

    private func finishInOneStatement(
        _ writes: [FinishWrite], epoch: Int64
    ) async throws -> Set<RunID> {
        faults.reach(points.finishBeforeCommit)
        try persistence.lease.check(epoch)
        let sql = OutcomeStore.finish(writes, epoch: epoch, at: clock.now())
        return try OutcomeStore.ids(try await postgres.query(sql))
    }

    private func finishWithHook(
        _ hook: FinishHook, _ writes: [FinishWrite], epoch: Int64
    ) async throws -> Set<RunID> {
        try await postgres.withTransaction { transaction in
            let time = clock.now()
            let ids = try OutcomeStore.ids(
                try await transaction.query(OutcomeStore.finish(writes, epoch: epoch, at: time)))
            let finished = writes.filter { ids.contains($0.run.runID) }
            if !finished.isEmpty {
                do {
                    try await hook(finished.map { $0.finished(at: time) }, transaction)
                } catch let error as PostgresError where error.mayPass {
                    throw error
                } catch {
                    throw HookFailure(cause: error)
                }
            }
            faults.reach(points.finishBeforeCommit)
            try persistence.lease.check(epoch)
            return ids
        }
    }

    /// Tries the hook a few times for one run; then ends the run without it, for an operator to
    /// see.
    private func finishAlone(_ write: FinishWrite) async throws {
        var delay = Duration.milliseconds(20)
        for _ in 1...Self.hookAttempts {
            do {
                return try await finish([write], epoch: write.run.epoch)
            } catch let failure as HookFailure {
                logger.error(
                    "The finish hook failed for a run",
                    [
                        ("run_id", .text(write.run.runID.description)),
                        ("error", .text(String(describing: failure.cause))),
                    ])
                try await Task.sleep(for: delay)
                delay *= 2
            }
        }
        let failure = RunFailure(
            code: "finish_hook_failed",
            detail: "The run came to its end, but what follows from it could not be written.")
        let attention = FinishWrite(
            run: write.run, state: .attention, output: [], failure: failure)
        _ = try await persistence.insist("finish", epoch: write.run.epoch) {
            try await finishInOneStatement([attention], epoch: write.run.epoch)
        }
        persistence.meters.finished(.attention)
    }
}

/// The hook failed for a reason of its own.
private struct HookFailure: Error {
    let cause: any Error
}

extension PostgresError {
    /// Whether the same write may succeed later, because the server or the way to it was at fault.
    var mayPass: Bool {
        isRetryable || outcomeIsUnknown
            || [
                .unavailable, .commitUnknown, .queryCanceled, .deadlineExceeded, .taskCanceled,
                .closed, .transactionAborted,
            ].contains(code)
    }
}
