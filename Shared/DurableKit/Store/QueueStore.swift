import Kernel
import PostgresKit

/// The tables that say who works on what: `durable_ready`, `durable_active`, `durable_timer`.
enum QueueStore {
    /// What there is to do.
    struct Probe: Sendable {
        let isReady: Bool
        let isDue: Bool
        /// Another worker's lease has run out.
        let hasExpired: Bool
    }

    /// Looks for work. Writes nothing, so an idle process costs no commit.
    static func probe(
        at now: Timestamp, epoch: Int64, on postgres: PostgresClient
    ) async throws(PostgresError) -> Probe {
        let row = try await postgres.queryOne(
            """
            select exists (select from durable_ready) as ready,
                exists (select from durable_timer where due_at <= \(now)) as due,
                exists (
                    select from durable_worker
                    where lease_expires_at < clock_timestamp() and epoch <> \(epoch)
                ) as expired
            """)
        return Probe(
            isReady: try row?.get("ready") ?? false, isDue: try row?.get("due") ?? false,
            hasExpired: try row?.get("expired") ?? false)
    }

    /// Takes up to `limit` runs that this process has code for, oldest first.
    ///
    /// The candidates are materialized, so the limit counts once, whatever plan runs.
    static func claim(
        _ limit: Int, epoch: Int64, workflows: [String: Int], on postgres: PostgresClient
    ) async throws(PostgresError) -> [ClaimedRun] {
        let rows = try await postgres.query(
            """
            with fence as materialized (
                select epoch from durable_worker where epoch = \(epoch) for key share
            ), candidate as materialized (
                select ready.run_id from durable_ready as ready
                where exists (
                    select from unnest(
                        \(Array(workflows.keys))::text[],
                        \(workflows.values.map { Int32($0) })::integer[]
                    ) as known (workflow, version)
                    where known.workflow = ready.workflow and ready.version <= known.version
                )
                order by ready.run_id
                limit \(limit)
                for update of ready skip locked
            ), gone as (
                delete from durable_ready as ready using candidate, fence
                where ready.run_id = candidate.run_id
                returning ready.run_id, ready.workflow, ready.version, ready.execution,
                    ready.crashes
            ), taken as (
                insert into durable_active (run_id, epoch, workflow, version, execution, crashes)
                select run_id, \(epoch), workflow, version, execution + 1, crashes from gone
                returning run_id, execution, crashes
            )
            select run.*, taken.execution, taken.crashes
            from taken join durable_run as run on run.run_id = taken.run_id
            """)
        var runs: [ClaimedRun] = []
        runs.reserveCapacity(rows.count)
        for row in rows { runs.append(try ClaimedRun(row: row, epoch: epoch)) }
        return runs
    }

    /// Puts runs back that a claim took without our hearing of it.
    static func putBack(
        except known: [RunID], epoch: Int64, on postgres: PostgresClient
    ) async throws(PostgresError) {
        try await postgres.execute(
            """
            with freed as (
                delete from durable_active
                where epoch = \(epoch) and run_id <> all(\(known)::uuid[])
                returning run_id, workflow, version, execution, crashes
            )
            insert into durable_ready (run_id, workflow, version, execution, crashes)
            select run_id, workflow, version, execution, crashes from freed
            """)
    }

    /// Of these runs, the ones that this epoch no longer owns.
    static func lost(
        _ ownerships: [Ownership], on postgres: PostgresClient
    ) async throws(PostgresError) -> [Ownership] {
        let held = try await StepStore.held(ownerships, on: postgres)
        return ownerships.filter { !held.contains($0) }
    }

    /// Makes due runs ready; how many.
    static func promote(
        at now: Timestamp, limit: Int, on postgres: PostgresClient
    ) async throws(PostgresError) -> Int {
        try await postgres.execute(
            """
            with due as materialized (
                select run_id from durable_timer where due_at <= \(now)
                order by due_at limit \(limit) for update skip locked
            ), gone as (
                delete from durable_timer as timer using due where timer.run_id = due.run_id
                returning timer.run_id, timer.workflow, timer.version, timer.execution,
                    timer.crashes
            )
            insert into durable_ready (run_id, workflow, version, execution, crashes)
            select run_id, workflow, version, execution, crashes from gone
            """)
    }

    /// Moves runs from memory to the timer; what is no longer ours stays as it is. A second try
    /// after a lost answer changes nothing.
    ///
    /// The run's row is locked for its clock offset, which may have moved while the run was in
    /// memory.
    static func suspend(
        _ writes: [SuspendWrite], epoch: Int64, on postgres: PostgresClient
    ) async throws(PostgresError) {
        try await postgres.execute(
            """
            with fence as materialized (
                select epoch from durable_worker where epoch = \(epoch) for key share
            ), item as materialized (
                select item.*, run.client_id,
                    run.clock_offset_microseconds - item.clock_offset as moved
                from unnest(
                    \(writes.map(\.run.runID))::uuid[],
                    \(writes.map { Int32($0.run.execution) })::integer[],
                    \(writes.map(\.run.clockOffset))::bigint[],
                    \(writes.map(\.until))::timestamptz[]
                ) as item (run_id, execution, clock_offset, due_at)
                join durable_run as run on run.run_id = item.run_id
                order by item.run_id
                for share of run
            ), gone as (
                delete from durable_active as active using item, fence
                where active.run_id = item.run_id and active.execution = item.execution
                    and active.epoch = fence.epoch
                returning active.run_id, item.client_id, item.due_at, item.clock_offset,
                    item.moved, active.workflow, active.version, active.execution,
                    active.crashes
            )
            insert into durable_timer (run_id, client_id, due_at, clock_offset_microseconds,
                workflow, version, execution, crashes)
            select run_id, client_id, due_at - moved * interval '1 microsecond',
                clock_offset + moved, workflow, version, execution, crashes
            from gone
            """)
    }

    /// Moves the business clock of a client's open runs; sleeping ones become due accordingly.
    static func setClockOffset(
        _ offset: Duration, client: ClientID, in transaction: Transaction
    ) async throws(PostgresError) {
        _ = try await transaction.pipeline([
            """
            update durable_run as run set clock_offset_microseconds = \(offset)
            where run.client_id = \(client) and run.clock_offset_microseconds <> \(offset)
                and not exists (
                    select from durable_outcome as outcome where outcome.run_id = run.run_id
                )
            """,
            """
            update durable_timer
            set due_at = due_at
                    - (\(offset)::bigint - clock_offset_microseconds) * interval '1 microsecond',
                clock_offset_microseconds = \(offset)
            where client_id = \(client)
            """,
        ])
    }
}

/// A run to put to sleep.
struct SuspendWrite: Sendable {
    let run: ClaimedRun
    let until: Timestamp
}
