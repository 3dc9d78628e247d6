import FoundationEssentials
import Kernel
import PostgresKit

/// The statements of an append.
enum AppendSQL {
    /// Which ids the log has seen. One generation after the other, and only those that hold ids of
    /// the shard: without `offset` the planner would join all of them at once.
    static func probe(_ identities: [UUID], in shard: Int) -> SQL {
        """
        select distinct on (identity) identity, body_hash, position
        from log_shard, unnest(generations) as written (generation), lateral (
            select identity, body_hash, position, event_identity.generation from event_identity
            where event_identity.generation = written.generation
                and identity = any(\(identities)::uuid[])
            offset 0) seen
        where log_shard.shard = \(shard)
        order by identity, seen.generation
        """
    }

    /// The answer to `probe`.
    static func known(_ rows: [Row]) throws(PostgresError) -> [UUID: KnownEvent] {
        var known: [UUID: KnownEvent] = [:]
        for row in rows {
            known[try row.get("identity")] = KnownEvent(
                bodyHash: try row.get("body_hash"), position: try row.get("position"))
        }
        return known
    }

    /// New ids, new segments and the new head, as one statement. Gives a row when it wrote.
    ///
    /// It locks the shard's row, and writes nothing when that does not say what the append was
    /// planned for. A row that changed while the statement waited for it is compared as it is then.
    static func write(
        _ appended: Appended, _ accepted: [PendingEvent], to shard: Int, at now: Timestamp
    ) -> SQL {
        let drafts = appended.segments
        let positions = (1...accepted.count).map { appended.before.head + $0 }
        return """
            with free as (
                select head from log_shard
                where shard = \(shard) and head = \(appended.before.head)
                    and generations = \(appended.before.generations)::integer[]
                for update
            ), identities as (
                insert into event_identity (identity, generation, body_hash, shard, position)
                select identity, \(Generation(now).number)::integer, body_hash,
                    \(shard)::integer, position
                from free, unnest(
                    \(appended.identities)::uuid[], \(accepted.map(\.bodyHash))::uuid[],
                    \(positions)::bigint[]
                ) as new (identity, body_hash, position)
            ), segments as (
                insert into log_segment (
                    shard, first_position, last_position, header, body, created_at)
                select \(shard)::integer, first_position, last_position, header, body,
                    \(now)::timestamptz
                from free, unnest(
                    \(drafts.map(\.firstPosition))::bigint[],
                    \(drafts.map(\.lastPosition))::bigint[],
                    \(drafts.map(\.header.bytes))::bytea[], \(drafts.map(\.body))::bytea[]
                ) as new (first_position, last_position, header, body)
            )\(InteractionSQL.note(accepted, positions, shard: shard, at: now))
            update log_shard
            set head = \(appended.after.head),
                generations = \(appended.after.generations)::integer[]
            from free where shard = \(shard)
            returning log_shard.head
            """
    }
}
