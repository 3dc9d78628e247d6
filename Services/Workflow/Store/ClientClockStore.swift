import Kernel
import PostgresKit

/// What client-service has told of clients' business clocks.
struct ClientClockStore: Sendable {
    func set(
        _ offset: Duration, of client: ClientID, in transaction: Transaction
    ) async throws(PostgresError) {
        _ = try await transaction.execute(
            """
            insert into client_clock (client_id, offset_milliseconds)
            values (\(client), \(max(0, offset.wholeMilliseconds)))
            on conflict (client_id) do update set offset_milliseconds = excluded.offset_milliseconds
            """)
    }
}
