import Kernel
import PostgresKit

/// Spreads each client's mail over time, for all replicas together, by the generic cell rate
/// algorithm: `perMinute` at once, then one by one, evenly. A message that finds no room gets its
/// place in the future instead of being looked at again and again.
struct SendingRate: Sendable {
    let perMinute: Int

    private var interval: Duration { .microseconds(60_000_000 / perMinute) }

    /// Common table expressions that give each message of `due` its place, as `placed`: for one
    /// that has its place already, now. Those to suppressed addresses get none.
    func placing(at now: Timestamp) -> SQL {
        """
        wanted as (
            select client_id, count(*) * \(interval) * interval '1 microsecond' as taken
            from due where not has_slot and not is_suppressed group by client_id
        ), rated as (
            -- In one order, so that replicas do not wait for each other in a circle.
            insert into sending_rate as r (client_id, arrival)
            select client_id, \(now)::timestamptz + taken from wanted order by client_id
            on conflict (client_id) do update
            set arrival = greatest(r.arrival, \(now)) + (excluded.arrival - \(now))
            returning client_id, arrival
        ), placed as (
            select due.client_id, due.notification_id, due.due_at,
                case when due.has_slot then \(now)::timestamptz
                else rated.arrival - wanted.taken + interval '1 microsecond' * \(interval) * (
                    row_number() over (partition by due.client_id, due.has_slot
                        order by due.due_at, due.notification_id) - \(perMinute))
                end as place
            from due
            left join wanted on wanted.client_id = due.client_id
            left join rated on rated.client_id = due.client_id
            where not due.is_suppressed
        )
        """
    }
}
