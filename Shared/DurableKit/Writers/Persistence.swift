import Kernel
import PostgresKit

/// Tries a write until it is through or the lease is gone.
///
/// Whatever PostgreSQL says, the outcome of a run's write must become known: giving up while the
/// lease lasts would leave finished work "running". So writes are made to be repeated.
struct Persistence: Sendable {
    let lease: Lease
    let meters: Meters
    let logger: Logger

    /// Throws `OwnershipLost` when the lease ends first, and what `isFinal` says cannot be
    /// repeated.
    func insist<Answer: Sendable>(
        _ what: String, epoch: Int64, isFinal: (any Error) -> Bool = { _ in false },
        _ write: () async throws -> Answer
    ) async throws -> Answer {
        var delay = Duration.milliseconds(10)
        while true {
            try lease.check(epoch)
            do {
                return try await write()
            } catch let error as OwnershipLost {
                throw error
            } catch {
                if isFinal(error) { throw error }
                meters.flushFailures.increment()
                logger.warning(
                    "A durable write failed and is tried again",
                    [("write", .text(what)), ("error", .text(String(describing: error)))])
            }
            // The task is the writer's own: nobody cancels it.
            try await Task.sleep(for: delay)
            delay = min(delay * 2, .milliseconds(500))
        }
    }
}
