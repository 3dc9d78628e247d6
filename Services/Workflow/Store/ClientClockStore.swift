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

    /// How far ahead the clients' business clocks run; a client that is missing has none.
    func offsets(
        of clients: Set<ClientID>, in transaction: Transaction
    ) async throws(PostgresError) -> [ClientID: Duration] {
        let rows = try await transaction.query(
            """
            select client_id, offset_milliseconds from client_clock
            where client_id = any(\(clients.sorted())::uuid[]) and offset_milliseconds > 0
            """)
        var offsets: [ClientID: Duration] = [:]
        for row in rows {
            offsets[try row.get("client_id")] = .milliseconds(
                try row.get("offset_milliseconds", as: Int64.self))
        }
        return offsets
    }
}
