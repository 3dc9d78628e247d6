import Kernel
import PostgresKit

/// Which numbers will not change but by events that come late.
struct Finality: Sendable {
    /// Numbers are this old at least before they are called final: events that happened in an hour
    /// are accepted and on their way for a while after it.
    private static let grace = Duration.seconds(60)

    let hours: DirtyHourStore
    let probe: FreshnessProbe

    /// The hours of the scope before this time are final: they are over, everything that the log
    /// took of them has arrived, and none waits to be counted again.
    ///
    /// - Parameter now: the client's business time.
    func limit(of scope: DashboardScope, now: Timestamp) async throws(PostgresError) -> Timestamp {
        let arrived = now - (probe.measured ?? .zero) - Self.grace
        var limit = max(scope.from, min(scope.to, arrived.hourBelow))
        if let dirty = try await hours.first(of: scope.clientID, from: scope.from, to: limit) {
            limit = min(limit, dirty)
        }
        return limit
    }
}
