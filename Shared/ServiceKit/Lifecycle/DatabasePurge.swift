package import Kernel
package import PostgresKit

/// Deletes old rows in small steps, so that no statement runs long and no lock is held long.
package enum DatabasePurge {
    /// Calls `delete` until it deletes less than a batch, a thousand batches at most, with a short
    /// pause between. Returns how many rows went; throws what `delete` throws.
    package static func run(
        batch: Int, delete: (_ batch: Int) async throws(PostgresError) -> Int
    ) async throws(PostgresError) -> Int {
        var total = 0
        for _ in 0..<1000 {
            let deleted = try await delete(batch)
            total += deleted
            if deleted < batch || Task.isCancelled { break }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return total
    }

    /// A background task that purges once per `interval` and logs what went.
    package static func task(
        _ name: String, every interval: Duration = .seconds(3600), telemetry: Telemetry,
        _ purge: @escaping @Sendable () async throws -> Int
    ) -> BackgroundTask {
        .periodic(name, every: interval, telemetry: telemetry) {
            let rows = try await purge()
            if rows > 0 {
                telemetry.logger.info(
                    "purged", [("task", .text(name)), ("rows", .integer(rows))])
            }
        }
    }
}
