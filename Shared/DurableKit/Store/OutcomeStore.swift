import Kernel
import PostgresKit

/// A run to end.
struct FinishWrite: Sendable {
    let run: ClaimedRun
    let state: RunState
    let output: [UInt8]
    let failure: RunFailure?

    func finished(at time: Timestamp) -> FinishedRun {
        FinishedRun(
            runID: run.runID, clientID: run.clientID, workflow: run.workflow, key: run.key,
            input: run.input, state: state, output: output, failure: failure, finishedAt: time,
            clockOffset: run.clockOffset, traceparent: run.traceparent)
    }
}

/// The table `durable_outcome`, and how runs end.
enum OutcomeStore {
    /// Ends the runs that are still ours and returns their ids; the others' ends are not touched.
    static func finish(_ writes: [FinishWrite], epoch: Int64, at time: Timestamp) -> SQL {
        """
        with fence as materialized (
            \(StepStore.lockedWorker(epoch))
        ), item as materialized (
            select * from unnest(
                \(writes.map(\.run.runID))::uuid[],
                \(writes.map { Int32($0.run.execution) })::integer[],
                \(writes.map(\.state.rawValue))::text[],
                \(writes.map(\.output))::bytea[],
                \(writes.map { $0.failure?.code })::text[],
                \(writes.map { $0.failure?.detail })::text[]
            ) as item (run_id, execution, state, output, failure_code, failure_detail)
        ), gone as (
            delete from durable_active as active using item, fence
            where active.run_id = item.run_id and active.execution = item.execution
                and active.epoch = fence.epoch
            returning active.run_id, item.state, item.output, item.failure_code,
                item.failure_detail
        )
        insert into durable_outcome
            (run_id, state, output, failure_code, failure_detail, finished_at)
        select run_id, state, output, failure_code, failure_detail, \(time) from gone
        returning run_id
        """
    }

    /// The ids in such an answer.
    static func ids(_ rows: [Row]) throws(PostgresError) -> Set<RunID> {
        var finished: Set<RunID> = []
        for row in rows { finished.insert(try row.get(at: 0)) }
        return finished
    }

    /// What came of an attempt to cancel.
    enum Cancellation: Sendable {
        case cancelled(FinishedRun)
        case endedBefore
        case unknownRun
        /// The run changed its table meanwhile.
        case moved
    }

    /// Ends a run wherever it is, unless it has ended.
    static func cancel(
        _ run: RunID, at time: Timestamp, in transaction: Transaction
    ) async throws(PostgresError) -> Cancellation {
        let answers = try await transaction.pipeline([
            """
            with waiting as (
                delete from durable_ready where run_id = \(run) returning 1
            ), active as (
                delete from durable_active where run_id = \(run) returning 1
            ), asleep as (
                delete from durable_timer where run_id = \(run) returning 1
            ), found as (
                select 1 from waiting union all select 1 from active union all select 1 from asleep
            )
            insert into durable_outcome (run_id, state, output, finished_at)
            select \(run), 'cancelled', '', \(time) from found
            returning 1
            """,
            """
            select run.*, outcome.state from durable_run as run
            left join durable_outcome as outcome on outcome.run_id = run.run_id
            where run.run_id = \(run)
            """,
        ])
        guard let row = answers[1].first else { return .unknownRun }
        if answers[0].isEmpty {
            let state: String? = try row.get("state")
            return state == nil ? .moved : .endedBefore
        }
        return .cancelled(
            FinishedRun(
                runID: run, clientID: TenantColumn.client(try row.get("client_id")),
                workflow: try row.get("workflow"), key: try row.get("key"),
                input: try row.get("input"), state: .cancelled, output: [], failure: nil,
                finishedAt: time, clockOffset: try row.get("clock_offset_microseconds"),
                traceparent: try row.get("traceparent")))
    }

    /// Makes a failed run ready again with what it has recorded, without its failures. False when
    /// it is not in a state to retry.
    static func retry(
        _ run: RunID, in transaction: Transaction
    ) async throws(PostgresError) -> Bool {
        // Execution 1 is behind it, so that the next one reads what is recorded.
        let reopened = try await transaction.execute(
            """
            with reopened as (
                delete from durable_outcome
                where run_id = \(run) and state in ('failed', 'attention')
                returning run_id
            )
            insert into durable_ready (run_id, workflow, version, execution, crashes)
            select run.run_id, run.workflow, run.version, 1, 0
            from durable_run as run join reopened on reopened.run_id = run.run_id
            """)
        guard reopened == 1 else { return false }
        _ = try await transaction.pipeline([
            "delete from durable_step where run_id = \(run) and failure_code is not null",
            "delete from durable_attempt where run_id = \(run)",
        ])
        return true
    }
}
