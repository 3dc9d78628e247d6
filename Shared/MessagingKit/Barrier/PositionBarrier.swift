package import Contracts
package import Kernel
package import PostgresKit

/// Lets a call wait until a subscriber has passed the event that caused it.
///
/// Subscribers run at different speeds: without it, a service could be asked about an event that it
/// has not seen yet.
package struct PositionBarrier: Sendable {
    private static let checkInterval = Duration.milliseconds(25)
    /// How often the database is asked all the same while a worker of this process has the shard.
    private static let doubtInterval = Duration.milliseconds(250)

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
        if isKnown(target) { return }
        let deadline = ContinuousClock.now + limit
        let moved = progress?.moved ?? WakeSignal()
        var doubt = ContinuousClock.now + Self.doubtInterval
        progress?.nudge(shard: target.shard, to: target.position)
        while true {
            let seen = moved.raises
            if isKnown(target) { return }
            let isWorking = progress?.isWorking(shard: target.shard) ?? false
            if !isWorking || .now >= doubt {
                if await isReached(target, by: deadline) { return }
                progress?.nudge(shard: target.shard, to: target.position)
                doubt = .now + Self.doubtInterval
            }
            let rest = ContinuousClock.now.duration(to: deadline)
            guard rest > .zero, !Task.isCancelled else { break }
            let pause = isWorking ? Self.doubtInterval : Self.checkInterval
            await moved.wait(past: seen, within: min(rest, pause))
        }
        throw .unavailable(
            "position_not_reached",
            "This service has not yet seen the event that the call is about. Try again shortly.")
    }

    private func isKnown(_ target: LogPosition) -> Bool {
        (progress?.position(shard: target.shard) ?? -1) >= target.position
    }

    /// A database that does not answer leaves the question open.
    private func isReached(
        _ target: LogPosition, by deadline: ContinuousClock.Instant
    ) async -> Bool {
        // A last look is allowed a moment beyond the deadline.
        let position = try? await withPostgresDeadline(deadline + .milliseconds(50)) {
            try await cursors.position(shard: target.shard)
        }
        return (position ?? 0) >= target.position
    }
}
