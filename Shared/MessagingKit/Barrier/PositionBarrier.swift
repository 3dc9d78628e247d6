package import Contracts
package import Kernel
package import PostgresKit

/// Lets a call wait until a subscriber has passed the event that caused it.
///
/// Subscribers run at different speeds: without it, a service could be asked about an event that it
/// has not seen yet.
package struct PositionBarrier: Sendable {
    private static let checkInterval = Duration.milliseconds(25)

    private let cursors: CursorReader
    private let progress: SubscriberProgress?

    /// A barrier on the cursor of `subscriber` in the service's own database. `progress` spares
    /// questions to the database when the subscriber is in this process (see `Subscriber.barrier`).
    package init(
        subscriber: String, postgres: PostgresClient, progress: SubscriberProgress? = nil
    ) {
        cursors = CursorReader(postgres: postgres, subscriber: subscriber)
        self.progress = progress
    }

    /// Returns when everything up to `target` has taken effect.
    ///
    /// Throws 503 `position_not_reached` with a `Retry-After` when `limit` is over before that.
    package func wait(for target: LogPosition, within limit: Duration) async throws(Problem) {
        let deadline = ContinuousClock.now + limit
        let moved = progress?.moved ?? WakeSignal()
        var isFirst = true
        while true {
            let seen = moved.raises
            if await isReached(target, by: deadline) { return }
            if isFirst { progress?.nudge(shard: target.shard) }
            isFirst = false
            let rest = ContinuousClock.now.duration(to: deadline)
            guard rest > .zero, !Task.isCancelled else { break }
            await moved.wait(past: seen, within: min(rest, Self.checkInterval))
        }
        throw .unavailable(
            "position_not_reached",
            "This service has not yet seen the event that the call is about. Try again shortly.")
    }

    /// A database that does not answer leaves the question open.
    private func isReached(
        _ target: LogPosition, by deadline: ContinuousClock.Instant
    ) async -> Bool {
        if let known = progress?.position(shard: target.shard), known >= target.position {
            return true
        }
        // A last look is allowed a moment beyond the deadline.
        let position = try? await withPostgresDeadline(deadline + .milliseconds(50)) {
            try await cursors.position(shard: target.shard)
        }
        return (position ?? 0) >= target.position
    }
}
