import FoundationEssentials
import Kernel
import PostgresKit

/// The log's tables: the only place that appends segments and moves heads.
struct LogStore: Sendable {
    let postgres: PostgresClient
    let faults: any FaultInjector
    /// What the log told of persons lately.
    let sightings = Sightings()

    /// Appends what is new in one transaction and tells what became of each event.
    ///
    /// All events must belong to `shard`. The shard's row is locked first, so that two appends of
    /// one shard, also from two replicas, follow each other: the probe for known ids can race with
    /// none. Two round trips: BEGIN, lock and probe; then the writing and COMMIT.
    func append(_ events: [PendingEvent], to shard: Int, at now: Timestamp) async throws -> Appended
    {
        let appended = try await postgres.withTransaction { transaction in
            let found = try await transaction.pipeline(
                [
                    "select head, generations from log_shard where shard = \(shard) for update",
                    Self.probe(events, shard: shard),
                ] + InteractionSQL.probe(events, at: now))
            guard let row = found[0].first else { throw LogFailure.unknownShard(shard) }
            let head: Int = try row.get("head")
            let generations = Generation.written(try row.get("generations"), at: now)
            let plan = AppendPlan(
                events, known: try Self.known(found[1]),
                done: try found.count > 2 ? InteractionSQL.done(found[2]) : [:], head: head)
            let accepted = plan.accepted(of: events)
            let news = sightings.news(of: accepted, in: shard, after: head)
            let drafts = SegmentDraft.cut(accepted, facets: news.facets, after: head)
            if !plan.accepted.isEmpty {
                faults.reach(EventCrashPoint.appendBeforeCommit)
                _ = try await transaction.commit(with: [
                    Self.write(
                        accepted, drafts, shard: shard, head: head, generations, now: now)
                ])
            }
            return Appended(outcomes: plan.outcomes, segments: drafts, news: news)
        }
        if let last = appended.segments.last?.lastPosition {
            sightings.note(appended.news, in: shard, head: last)
        }
        return appended
    }

    /// Which ids the log has seen. One generation after the other, and only those that hold ids of
    /// the shard: without `offset` the planner would join all of them at once.
    private static func probe(_ events: [PendingEvent], shard: Int) -> SQL {
        """
        select distinct on (identity) identity, body_hash, position
        from log_shard, unnest(generations) as written (generation), lateral (
            select identity, body_hash, position, event_identity.generation from event_identity
            where event_identity.generation = written.generation
                and identity = any(\(events.map(\.identity))::uuid[])
            offset 0) seen
        where log_shard.shard = \(shard)
        order by identity, seen.generation
        """
    }

    private static func known(_ rows: [Row]) throws(PostgresError) -> [UUID: KnownEvent] {
        var known: [UUID: KnownEvent] = [:]
        for row in rows {
            known[try row.get("identity")] = KnownEvent(
                bodyHash: try row.get("body_hash"), position: try row.get("position"))
        }
        return known
    }

    /// New ids, new segments and the new head, as one statement.
    private static func write(
        _ accepted: [PendingEvent], _ drafts: [SegmentDraft], shard: Int, head: Int,
        _ generations: [Int], now: Timestamp
    ) -> SQL {
        let positions = (1...accepted.count).map { head + $0 }
        return """
            with identities as (
                insert into event_identity (identity, generation, body_hash, shard, position)
                select identity, \(Generation(now).number)::integer, body_hash,
                    \(shard)::integer, position
                from unnest(
                    \(accepted.map(\.identity))::uuid[], \(accepted.map(\.bodyHash))::uuid[],
                    \(positions)::bigint[]
                ) as new (identity, body_hash, position)
            ), segments as (
                insert into log_segment (
                    shard, first_position, last_position, header, body, created_at)
                select \(shard)::integer, first_position, last_position, header, body,
                    \(now)::timestamptz
                from unnest(
                    \(drafts.map(\.firstPosition))::bigint[],
                    \(drafts.map(\.lastPosition))::bigint[],
                    \(drafts.map(\.header.bytes))::bytea[], \(drafts.map(\.body))::bytea[]
                ) as new (first_position, last_position, header, body)
            )\(InteractionSQL.note(accepted, positions, shard: shard, at: now))
            update log_shard
            set head = \(head + accepted.count), generations = \(generations)::integer[]
            where shard = \(shard)
            """
    }
}

/// What an append did.
struct Appended: Sendable {
    /// One per event, in the order given.
    let outcomes: [AppendOutcome]
    /// What was written, for readers in this process.
    let segments: [SegmentDraft]
    /// What they tell of persons.
    let news: SightingMemory.News
}

/// Why the log could not do as asked.
enum LogFailure: Error, Sendable, Hashable {
    case unknownShard(Int)
    /// More is waiting to be written than may wait.
    case overloaded
    /// PostgreSQL could not commit it, or did not say; the same events may be sent again.
    case unavailable
}
