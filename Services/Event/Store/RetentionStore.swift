import Kernel
import PostgresKit

/// Forgets what is no longer needed: segments that every subscriber has passed, and old event ids.
struct RetentionStore: Sendable {
    let postgres: PostgresClient

    /// Makes the tables of generations that are missing and drops those that are spent.
    ///
    /// Replicas may call it together: an advisory lock lets one work at a time.
    func rotateGenerations(at now: Timestamp) async throws {
        try await postgres.withTransaction { transaction in
            _ = try await transaction.query(
                "select pg_advisory_xact_lock(hashtext('event_identity rotation'))")
            let found = try await transaction.query(
                """
                select c.relname::text as name from pg_inherits i
                join pg_class c on c.oid = i.inhrelid
                where i.inhparent = 'event_identity'::regclass
                """)
            var existing: Set<Int> = []
            for row in found {
                let name: String = try row.get("name")
                if let number = Int(name.dropFirst(Self.prefix.count)) { existing.insert(number) }
            }
            for number in Generation.needed(at: now) where !existing.contains(number) {
                try await transaction.script(
                    """
                    create table \(Self.prefix)\(number) partition of event_identity
                    for values from (\(number)) to (\(number + 1))
                    """)
            }
            for number in existing.sorted() where Generation(number: number).isSpent(at: now) {
                try await transaction.script("drop table \(Self.prefix)\(number)")
            }
        }
    }

    /// Forgets up to `limit` interactions whose repeats count again. Returns how many.
    func deleteInteractions(
        endedBefore: Timestamp, limit: Int = 5000
    ) async throws(PostgresError) -> Int {
        try await postgres.execute(
            """
            delete from event_interaction where (client_id, identity) in (
                select client_id, identity from event_interaction
                where repeats_until < \(endedBefore) order by repeats_until limit \(limit))
            """)
    }

    private static let prefix = "event_identity_g"

    /// Deletes up to `limit` segments made before `spentBefore` that every subscriber has passed,
    /// and those made before `overdueBefore` whoever still waits. Returns both counts.
    func deleteSegments(
        spentBefore: Timestamp, overdueBefore: Timestamp, limit: Int = 500
    ) async throws(PostgresError) -> (passed: Int, overdue: Int) {
        let passed = try await postgres.execute(
            """
            delete from log_segment where (shard, last_position) in (
                select s.shard, s.last_position from log_segment s
                where s.created_at < \(spentBefore) and not exists (
                    select from log_subscriber b
                    where b.shard = s.shard and b.acknowledged < s.last_position)
                order by s.created_at limit \(limit))
            """)
        let overdue = try await postgres.execute(
            """
            delete from log_segment where (shard, last_position) in (
                select shard, last_position from log_segment
                where created_at < \(overdueBefore) order by created_at limit \(limit))
            """)
        return (passed, overdue)
    }
}
