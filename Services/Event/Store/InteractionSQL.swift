import FoundationEssentials
import Kernel
import PostgresKit

/// The statements of an append that keep interactions from counting twice; none for a batch without
/// interactions, which most are.
enum InteractionSQL {
    /// Which interactions of the batch were done lately.
    static func probe(_ events: [PendingEvent], at now: Timestamp) -> [SQL] {
        let asked = events.filter { $0.interaction != nil }
        if asked.isEmpty { return [] }
        return [
            """
            select done.identity, done.position
            from unnest(
                \(asked.map(\.clientID.uuid))::uuid[],
                \(asked.compactMap { $0.interaction?.identity })::uuid[]
            ) as asked (client_id, identity)
            join event_interaction done using (client_id, identity)
            where done.repeats_until > \(now)
            """
        ]
    }

    /// The answer to `probe`: where the event is that counted.
    static func done(_ rows: [Row]) throws(PostgresError) -> [UUID: Int] {
        var done: [UUID: Int] = [:]
        for row in rows { done[try row.get("identity")] = try row.get("position") }
        return done
    }

    /// Notes those that were accepted, as one more part of the append's statement.
    static func note(
        _ accepted: [PendingEvent], _ positions: [Int], shard: Int, at now: Timestamp
    ) -> SQL {
        let noted = zip(accepted, positions).compactMap { event, position in
            event.interaction.map { (event.clientID.uuid, $0, position) }
        }
        if noted.isEmpty { return "" }
        return """
            , interactions as (
                insert into event_interaction (
                    client_id, identity, repeats_until, shard, position)
                select client_id, identity, repeats_until, \(shard)::integer, position
                from unnest(
                    \(noted.map { $0.0 })::uuid[], \(noted.map { $0.1.identity })::uuid[],
                    \(noted.map { now + $0.1.window })::timestamptz[],
                    \(noted.map { $0.2 })::bigint[]
                ) as new (client_id, identity, repeats_until, position)
                on conflict (client_id, identity) do update
                set repeats_until = excluded.repeats_until, shard = excluded.shard,
                    position = excluded.position
            )
            """
    }
}
