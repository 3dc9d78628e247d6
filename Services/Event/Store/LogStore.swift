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
    /// All events must belong to `shard`. Its row is locked, so that two appends of one shard, also
    /// from two replicas, follow each other. One round trip where all ids are known to be new, else
    /// two or three.
    func append(_ events: [PendingEvent], to shard: Int, at now: Timestamp) async throws -> Appended
    {
        let asked = events.map(\.identity)
        do {
            let question = identities.question(asked, in: shard)
            return try await append(events, question, to: shard, at: now)
        } catch let error as PostgresError
            where [.uniqueViolation, .commitUnknown].contains(error.code)
        {
            // An id was taken for new that is not, so what this process knows is wrong; or a
            // connection broke, and the events may be there or not.
            identities.forget(shard)
            let question = SeenIdentities.Question(doubtful: asked, premise: nil)
            return try await append(events, question, to: shard, at: now)
        }
    }

    private func append(
        _ events: [PendingEvent], _ question: SeenIdentities.Question, to shard: Int,
        at now: Timestamp
    ) async throws -> Appended {
        let appended: Appended
        if let atOnce = try await appendAtOnce(events, question, to: shard, at: now) {
            appended = atOnce
        } else {
            appended = try await appendAsking(events, question, to: shard, at: now)
        }
        remember(appended, of: shard, at: now)
        return appended
    }

    /// Locks, compares with what is known, writes and commits in one round trip; nil when it cannot
    /// be so, or did nothing because the row says something else than it should.
    private func appendAtOnce(
        _ events: [PendingEvent], _ question: SeenIdentities.Question, to shard: Int,
        at now: Timestamp
    ) async throws -> Appended? {
        guard let row = question.premise, question.doubtful.isEmpty,
            events.allSatisfy({ $0.interaction == nil })
        else { return nil }
        let plan = AppendPlan(events, known: [:], head: row.head)
        guard plan.accepted.count == events.count else { return nil }
        let appended = appended(plan, events, to: shard, after: row, at: now)
        let found = try await postgres.withTransaction { transaction in
            faults.reach(EventCrashPoint.appendBeforeCommit)
            return try await transaction.commit(with: [
                AppendSQL.write(appended, events, to: shard, at: now)
            ])
        }
        return found.first?.isEmpty == false ? appended : nil
    }

    /// What an append does as planned.
    private func appended(
        _ plan: AppendPlan, _ accepted: [PendingEvent], to shard: Int,
        after row: SeenIdentities.Row, at now: Timestamp
    ) -> Appended {
        let news = sightings.news(of: accepted, in: shard, after: row.head)
        return Appended(
            outcomes: plan.outcomes,
            segments: SegmentDraft.cut(accepted, facets: news.facets, after: row.head),
            news: news, identities: accepted.map(\.identity), before: row,
            after: SeenIdentities.Row(
                head: row.head + accepted.count,
                generations: Generation.written(row.generations, at: now)))
    }

    /// The same in two round trips: BEGIN, lock and probe; then the writing and COMMIT. A third
    /// where somebody else wrote meanwhile, and ids that were taken for new have to be asked for.
    private func appendAsking(
        _ events: [PendingEvent], _ question: SeenIdentities.Question, to shard: Int,
        at now: Timestamp
    ) async throws -> Appended {
        let asked =
            question.doubtful.isEmpty ? [] : [AppendSQL.probe(question.doubtful, in: shard)]
        let interactions = InteractionSQL.probe(events, at: now)
        return try await postgres.withTransaction { transaction in
            let found = try await transaction.pipeline(
                ["select head, generations from log_shard where shard = \(shard) for update"]
                    + asked + interactions)
            guard let stored = found[0].first else { throw LogFailure.unknownShard(shard) }
            let row = try SeenIdentities.Row(stored)
            let known =
                question.isSettled(by: row)
                ? asked.isEmpty ? [] : found[1]
                : try await transaction.query(
                    AppendSQL.probe(events.map(\.identity), in: shard))
            let plan = AppendPlan(
                events, known: try AppendSQL.known(known),
                done: try interactions.isEmpty ? [:] : InteractionSQL.done(found[found.count - 1]),
                head: row.head)
            let accepted = plan.accepted(of: events)
            let appended = appended(plan, accepted, to: shard, after: row, at: now)
            if !accepted.isEmpty {
                faults.reach(EventCrashPoint.appendBeforeCommit)
                _ = try await transaction.commit(with: [
                    AppendSQL.write(appended, accepted, to: shard, at: now)
                ])
            }
            return appended
        }
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

    /// Calls with all identities that are in a generation when it is called, and some that come
    /// meanwhile: in small steps with pauses, so that nobody is kept waiting and nothing is locked.
    func forEachIdentity(
        of generation: Int, _ body: @Sendable ([UUID]) -> Void
    ) async throws {
        var last = UUID.zero
        while true {
            let rows = try await postgres.query(
                """
                select identity from event_identity
                where generation = \(generation)::integer and identity > \(last)
                order by identity limit 2000
                """)
            let identities: [UUID] = try rows.map { row throws(PostgresError) in
                try row.get(at: 0)
            }
            guard let end = identities.last else { return }
            body(identities)
            last = end
            try await Task.sleep(for: .milliseconds(5))
        }
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
