import Kernel
import PostgresKit

/// Spreads each client's mail over time, for all replicas together, by the generic cell rate
/// algorithm: `perMinute` at once, then one by one, evenly. A message that finds no room gets its
/// place in the future instead of being looked at again and again.
struct SendingRate: Sendable {
    struct Slot: Sendable {
        let row: DueRow
        /// When it may go.
        let at: Timestamp
    }

    let perMinute: Int

    private var interval: Duration { .microseconds(60_000_000 / perMinute) }

    /// A place for each message, in their order.
    func slots(
        for rows: [DueRow], at now: Timestamp, in transaction: Transaction
    ) async throws -> [Slot] {
        let waiting = Dictionary(grouping: rows.filter { !$0.hasSlot }, by: \.clientID)
        var next: [ClientID: Timestamp] = [:]
        // In one order, so that replicas do not wait for each other in a circle.
        for (client, rows) in waiting.sorted(by: { $0.key < $1.key }) {
            let taken = interval * rows.count
            let row = try await transaction.queryOne(
                """
                insert into sending_rate as r (client_id, arrival)
                values (\(client), \(now + taken))
                on conflict (client_id) do update
                set arrival = greatest(r.arrival, \(now)) + \(taken) * interval '1 microsecond'
                returning arrival
                """)
            let arrival: Timestamp = try row?.get("arrival") ?? now
            next[client] = arrival - taken - interval * (perMinute - 1)
        }
        return rows.map { row in
            guard !row.hasSlot, let at = next[row.clientID] else { return Slot(row: row, at: now) }
            next[row.clientID] = at + interval
            return Slot(row: row, at: at)
        }
    }
}
