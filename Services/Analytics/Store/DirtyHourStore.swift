import Kernel
import PostgresKit

/// An hour of a client's events.
struct ClientHour: Sendable, Hashable {
    let clientID: ClientID
    /// Its beginning.
    let hour: Timestamp
}

/// The hours that have to be counted again.
struct DirtyHourStore: Sendable {
    /// An hour as it was marked when it was read.
    struct Marked: Sendable, RowDecodable {
        let clientID: ClientID
        let hour: Timestamp
        let mark: Int

        init(row: Row) throws(PostgresError) {
            clientID = try row.get("client_id")
            hour = try row.get("hour")
            mark = try row.get("mark")
        }
    }

    let postgres: PostgresClient

    func mark(
        _ hours: Set<ClientHour>, on executor: any PostgresExecutor
    ) async throws(PostgresError) {
        guard !hours.isEmpty else { return }
        // In one order, so that nobody waits in a circle for rows.
        let hours = hours.sorted { ($0.clientID, $0.hour) < ($1.clientID, $1.hour) }
        _ = try await executor.execute(
            """
            insert into dirty_hour (client_id, hour)
            select * from unnest(
                \(hours.map(\.clientID))::uuid[], \(hours.map(\.hour))::timestamptz[])
            on conflict (client_id, hour) do update set mark = dirty_hour.mark + 1
            """)
    }

    /// Up to `limit`, a client's together.
    func list(limit: Int) async throws(PostgresError) -> [Marked] {
        try await postgres.query(
            """
            select client_id, hour, mark from dirty_hour order by client_id, hour
            limit \(limit)
            """, as: Marked.self)
    }

    /// Forgets hours that were counted again, unless they were marked meanwhile.
    func clear(_ hours: [Marked]) async throws(PostgresError) {
        _ = try await postgres.execute(
            """
            delete from dirty_hour using unnest(
                \(hours.map(\.clientID))::uuid[], \(hours.map(\.hour))::timestamptz[],
                \(hours.map(\.mark))::bigint[]) as done (client_id, hour, mark)
            where dirty_hour.client_id = done.client_id and dirty_hour.hour = done.hour
                and dirty_hour.mark = done.mark
            """)
    }

    /// The first hour of the range that waits; nil when none does.
    func first(
        of clientID: ClientID, from: Timestamp, to: Timestamp
    ) async throws(PostgresError) -> Timestamp? {
        let row = try await postgres.queryOne(
            """
            select min(hour) as hour from dirty_hour
            where client_id = \(clientID) and hour >= \(from) and hour < \(to)
            """)
        return try row?.get("hour")
    }
}
