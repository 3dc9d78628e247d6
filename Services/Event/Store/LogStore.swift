import FoundationEssentials
import Kernel
import PostgresKit

/// The log's tables: the only place that appends segments and moves heads.
struct LogStore: Sendable {
    let postgres: PostgresClient
    let faults: any FaultInjector
    /// What the log told of persons lately.
    let sightings = Sightings()
    /// Which ids need not be asked for.
    let identities = KnownIdentities()

    /// Appends what is new in one transaction and tells what became of each event.
    ///
    /// All events must belong to `shard`. The shard's row is locked first, so that two appends of
    /// one shard, also from two replicas, follow each other: the probe for known ids can race with
    /// none. Two round trips: BEGIN, lock and probe; then the writing and COMMIT. A third where
    /// somebody else wrote meanwhile, and ids that were taken for new have to be asked for.
    func append(_ events: [PendingEvent], to shard: Int, at now: Timestamp) async throws -> Appended
    {
        let question = identities.question(events.map(\.identity), in: shard)
        let asked = question.doubtful.isEmpty ? [] : [Self.probe(question.doubtful, shard: shard)]
        let interactions = InteractionSQL.probe(events, at: now)
        let appended = try await postgres.withTransaction { transaction in
            let found = try await transaction.pipeline(
                ["select head, generations from log_shard where shard = \(shard) for update"]
                    + asked + interactions)
            guard let stored = found[0].first else { throw LogFailure.unknownShard(shard) }
            let row = try SeenIdentities.Row(stored)
            let known =
                question.isSettled(by: row)
                ? asked.isEmpty ? [] : found[1]
                : try await transaction.query(
                    Self.probe(events.map(\.identity), shard: shard))
            let head = row.head
            let generations = Generation.written(row.generations, at: now)
            let plan = AppendPlan(
                events, known: try Self.known(known),
                done: try interactions.isEmpty ? [:] : InteractionSQL.done(found[found.count - 1]),
                head: head)
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
            return Appended(
                outcomes: plan.outcomes, segments: drafts, news: news,
                identities: accepted.map(\.identity), before: row,
                after: SeenIdentities.Row(
                    head: head + accepted.count, generations: generations))
        }
        remember(appended, of: shard, at: now)
        return appended
    }

    /// What was committed is known from here on.
    private func remember(_ appended: Appended, of shard: Int, at now: Timestamp) {
        guard !appended.segments.isEmpty else { return }
        sightings.note(appended.news, in: shard, head: appended.after.head)
        identities.note(
            appended.identities, in: shard, before: appended.before, after: appended.after,
            present: Generation(now).number)
    }

    /// What the rows of all shards say.
    func rows() async throws(PostgresError) -> [Int: SeenIdentities.Row] {
        var rows: [Int: SeenIdentities.Row] = [:]
        for row in try await postgres.query("select shard, head, generations from log_shard") {
            rows[Int(try row.get("shard", as: Int32.self))] = try SeenIdentities.Row(row)
        }
        return rows
    }

    /// Calls with all identities that are in a generation, some thousand at a time and with pauses,
    /// so that others are not kept waiting.
    func forEachIdentity(
        of generation: Int, _ body: @Sendable ([UUID]) -> Void
    ) async throws {
        try await postgres.withTransaction { transaction in
            try await transaction.script(
                """
                declare identities no scroll cursor for
                select identity from event_identity where generation = \(generation)
                """)
            while true {
                let rows = try await transaction.query("fetch 10000 from identities")
                if rows.isEmpty { break }
                body(try rows.map { row throws(PostgresError) in try row.get(at: 0) })
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    /// Which ids the log has seen. One generation after the other, and only those that hold ids of
    /// the shard: without `offset` the planner would join all of them at once.
    private static func probe(_ identities: [UUID], shard: Int) -> SQL {
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
    /// Of the events that are new.
    let identities: [UUID]
    /// What the row of the shard said and what it says now.
    let before: SeenIdentities.Row
    let after: SeenIdentities.Row
}

extension SeenIdentities.Row {
    fileprivate init(_ row: Row) throws(PostgresError) {
        self.init(head: try row.get("head"), generations: try row.get("generations"))
    }
}

/// Why the log could not do as asked.
enum LogFailure: Error, Sendable, Hashable {
    case unknownShard(Int)
    /// More is waiting to be written than may wait.
    case overloaded
    /// PostgreSQL could not commit it, or did not say; the same events may be sent again.
    case unavailable
}
