import Kernel
import PostgresKit

/// Which step of which run.
struct StepKey: Hashable, Sendable {
    let runID: RunID
    let name: String
}

/// The tables `durable_step` and `durable_attempt`.
enum StepStore {
    /// Inserts what is neither recorded nor lost, and returns one row: how many went in.
    ///
    /// The worker's row is locked before the first row is inserted, until the commit: a take-over
    /// deletes that row, so it waits for this write, and this write finds nothing after a
    /// take-over.
    static func insert(_ writes: [StepWrite], epoch: Int64, at time: Timestamp) -> SQL {
        """
        with fence as materialized (
            select epoch from durable_worker where epoch = \(epoch) for key share
        ), item as (
            select * from unnest(
                \(writes.map(\.ownership.runID))::uuid[],
                \(writes.map { Int32($0.ownership.execution) })::integer[],
                \(writes.map(\.step.name))::text[],
                \(writes.map(\.step.type))::text[],
                \(writes.map(\.step.result.bytes))::bytea[],
                \(writes.map { $0.step.result.failure?.code })::text[],
                \(writes.map { $0.step.result.failure?.detail })::text[]
            ) as item (run_id, execution, name, type, result, failure_code, failure_detail)
        ), inserted as (
            insert into durable_step
                (run_id, name, type, result, failure_code, failure_detail, recorded_at)
            select item.run_id, item.name, item.type, item.result, item.failure_code,
                item.failure_detail, \(time)
            from item
            join durable_active as active
                on active.run_id = item.run_id and active.execution = item.execution
            join fence on fence.epoch = active.epoch
            on conflict do nothing
            returning 1
        )
        select count(*) from inserted
        """
    }

    /// Counts a failure; the first one's time stays.
    static func upsert(_ writes: [AttemptWrite], epoch: Int64) -> SQL {
        """
        with fence as materialized (
            select epoch from durable_worker where epoch = \(epoch) for key share
        )
        insert into durable_attempt as attempt
            (run_id, name, failures, first_failed_at, next_attempt_at, code, detail)
        select item.run_id, item.name, item.failures, item.first_failed_at, item.next_attempt_at,
            item.code, item.detail
        from unnest(
            \(writes.map(\.ownership.runID))::uuid[],
            \(writes.map { Int32($0.ownership.execution) })::integer[],
            \(writes.map(\.attempts.name))::text[],
            \(writes.map { Int32(clamping: $0.attempts.failures) })::integer[],
            \(writes.map(\.attempts.firstFailedAt))::timestamptz[],
            \(writes.map(\.attempts.nextAttemptAt))::timestamptz[],
            \(writes.map(\.attempts.failure.code))::text[],
            \(writes.map(\.attempts.failure.detail))::text[]
        ) as item
            (run_id, execution, name, failures, first_failed_at, next_attempt_at, code, detail)
        join durable_active as active
            on active.run_id = item.run_id and active.execution = item.execution
        join fence on fence.epoch = active.epoch
        on conflict (run_id, name) do update
            set failures = excluded.failures, next_attempt_at = excluded.next_attempt_at,
                code = excluded.code, detail = excluded.detail
        """
    }

    /// Of these, the ones that are still so.
    static func held(
        _ ownerships: [Ownership], on executor: some PostgresExecutor
    ) async throws(PostgresError) -> Set<Ownership> {
        let rows = try await executor.query(
            """
            select run_id, execution, epoch from durable_active
            where run_id = any(\(ownerships.map(\.runID))::uuid[])
            """)
        var held: Set<Ownership> = []
        for row in rows {
            held.insert(
                Ownership(
                    runID: try row.get("run_id"),
                    execution: Int(try row.get("execution", as: Int32.self)),
                    epoch: try row.get("epoch")))
        }
        return held.intersection(ownerships)
    }

    /// The records of these steps, where there are any.
    static func recorded(
        _ writes: [StepWrite], on executor: some PostgresExecutor
    ) async throws(PostgresError) -> [StepKey: RecordedStep] {
        let rows = try await executor.query(
            """
            select step.* from durable_step as step
            join unnest(
                \(writes.map(\.ownership.runID))::uuid[], \(writes.map(\.step.name))::text[]
            ) as item (run_id, name) on step.run_id = item.run_id and step.name = item.name
            """)
        var recorded: [StepKey: RecordedStep] = [:]
        for row in rows {
            let step = try RecordedStep(row: row)
            recorded[StepKey(runID: try row.get("run_id"), name: step.name)] = step
        }
        return recorded
    }

    /// Everything that a run has recorded.
    static func memory(
        of run: RunID, on postgres: PostgresClient
    ) async throws(PostgresError) -> Memory {
        var memory = Memory()
        let answers = try await postgres.pipeline([
            "select * from durable_step where run_id = \(run)",
            "select * from durable_attempt where run_id = \(run)",
        ])
        for row in answers[0] {
            let step = try RecordedStep(row: row)
            memory.steps[step.name] = step
        }
        for row in answers[1] {
            let attempts = try RecordedAttempts(row: row)
            memory.attempts[attempts.name] = attempts
        }
        return memory
    }
}

// MARK: - Steps that commit with their effect

extension StepStore {
    /// The worker's row, locked until the end of the transaction.
    ///
    /// A process that is stopped in the middle of a transaction must not keep its successor waiting
    /// for the row, so none may idle with it for longer than a lease.
    static func lockedWorker(_ epoch: Int64) -> SQL {
        """
        select epoch, set_config('idle_in_transaction_session_timeout', '5000', true) as bound
        from durable_worker where epoch = \(epoch) for key share
        """
    }

    /// Holds the run until the end of the transaction. Throws `OwnershipLost` when it is not ours.
    static func lock(_ ownership: Ownership, in transaction: Transaction) async throws {
        let rows = try await transaction.query(
            """
            with worker as materialized (\(lockedWorker(ownership.epoch)))
            select 1 from durable_active as active
            join worker on active.epoch = worker.epoch
            where active.run_id = \(ownership.runID)
                and active.execution = \(Int32(ownership.execution))
            for key share of active
            """)
        guard rows.count == 1 else { throw OwnershipLost() }
    }

    /// False when the step is recorded already.
    static func insert(
        _ step: RecordedStep, of run: RunID, at time: Timestamp, in transaction: Transaction
    ) async throws(PostgresError) -> Bool {
        let count = try await transaction.execute(
            """
            insert into durable_step (run_id, name, type, result, recorded_at)
            values (\(run), \(step.name), \(step.type), \(step.result.bytes), \(time))
            on conflict do nothing
            """)
        return count == 1
    }

    /// The record of one step.
    static func step(
        _ name: String, of run: RunID, on executor: some PostgresExecutor
    ) async throws(PostgresError) -> RecordedStep? {
        try await executor.queryOne(
            "select * from durable_step where run_id = \(run) and name = \(name)",
            as: RecordedStep.self)
    }
}
