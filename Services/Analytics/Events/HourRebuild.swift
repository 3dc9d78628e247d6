import ClickHouseKit
import Kernel
import PostgresKit
import ServiceKit

/// Counts dirty hours again from the events themselves. Doing it twice, or on two replicas at
/// once, changes nothing.
struct HourRebuild: Sendable {
    /// Hours counted at a time.
    private static let limit = 200
    /// How often somebody looks for what another replica marked.
    private static let lookInterval = Duration.seconds(30)
    private static let deadline = Duration.seconds(120)

    let hours: DirtyHourStore
    let client: ClickHouseClient
    let metrics: StreamMetrics

    /// Works until the task is cancelled. Throws what ClickHouse or PostgreSQL refuses, to be
    /// started again.
    func run() async throws {
        while !Task.isCancelled {
            let seen = metrics.marks.raises
            if try await rebuild() == 0 {
                await metrics.marks.wait(past: seen, within: Self.lookInterval)
            }
        }
    }

    /// Counts some; how many there were.
    func rebuild() async throws -> Int {
        let marked = try await hours.list(limit: Self.limit)
        for (clientID, dirty) in Dictionary(grouping: marked, by: \.clientID) {
            for rollup in Rollup.all {
                try await client.execute(
                    rollup.rebuild(dirty.map(\.hour), of: clientID), within: Self.deadline)
            }
            try await hours.clear(dirty)
            metrics.rebuilt(hours: dirty.count)
        }
        return marked.count
    }
}
