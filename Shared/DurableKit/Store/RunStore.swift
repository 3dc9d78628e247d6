import FoundationEssentials
import Kernel
import PostgresKit

/// A run to start.
struct StartWrite: Sendable {
    let runID: RunID
    let key: WorkflowKey
    let workflow: String
    let version: Int
    let input: [UInt8]
    let clockOffset: Duration
    let traceparent: String
    /// Whether this process could run it.
    let isRunnable: Bool
}

/// The table `durable_run`, and how runs begin.
enum RunStore {
    /// Inserts the runs whose key is free, in one statement, and tells for each whether it was
    /// started. Two starts of one key: the second waits for the first one's commit.
    ///
    /// With an epoch the new runs belong to that worker from the start, without the queue; `taken`
    /// are their ids. When the worker's row is gone they wait in the queue as ever. The row is
    /// locked until the end of the transaction, so that a take-over finds all of the worker's runs.
    static func start(
        _ writes: [StartWrite], at time: Timestamp, epoch: Int64?,
        on executor: some PostgresExecutor
    ) async throws -> (results: [StartResult], taken: Set<RunID>) {
        guard let epoch else {
            let rows = try await executor.query(insert(writes, at: time, next: ready))
            return (try await results(writes, rows, on: executor), [])
        }
        let rows = try await executor.query(insert(writes, at: time, next: taken(by: epoch)))
        var taken: Set<RunID> = []
        for row in rows where try row.get("is_taken") { taken.insert(try row.get("run_id")) }
        return (try await results(writes, rows, on: executor), taken)
    }

    private static func results(
        _ writes: [StartWrite], _ rows: [Row], on executor: some PostgresExecutor
    ) async throws -> [StartResult] {
        var started: Set<RunID> = []
        for row in rows { started.insert(try row.get("run_id")) }
        if started.count == writes.count { return writes.map { .started($0.runID) } }
        let existing = try await existing(
            writes.filter { !started.contains($0.runID) }, on: executor)
        var results: [StartResult] = []
        for write in writes {
            if started.contains(write.runID) {
                results.append(.started(write.runID))
            } else if let id = existing[IndexedKey(write)] {
                // The same id: our own earlier try, whose answer was lost.
                results.append(id == write.runID ? .started(id) : .exists(id))
            } else {
                throw DurableError(.contended)
            }
        }
        return results
    }

    private static let ready: SQL = """
        ready as (
            insert into durable_ready (run_id, workflow, version, execution, crashes)
            select run_id, workflow, version, 0, 0 from started
        )
        select run_id, false as is_taken from started
        """

    private static func taken(by epoch: Int64) -> SQL {
        """
        worker as materialized (
            \(StepStore.lockedWorker(epoch))
        ), taken as (
            insert into durable_active (run_id, epoch, workflow, version, execution, crashes)
            select run_id, epoch, workflow, version, 1, 0 from started, worker
        ), ready as (
            insert into durable_ready (run_id, workflow, version, execution, crashes)
            select run_id, workflow, version, 0, 0 from started
            where not exists (select from worker)
        )
        select run_id, exists (select from worker) as is_taken from started
        """
    }

    /// - Parameter next: where the runs that are new go.
    private static func insert(_ writes: [StartWrite], at time: Timestamp, next: SQL) -> SQL {
        """
        with started as (
            insert into durable_run (run_id, client_id, workflow, version, key, input,
                clock_offset_microseconds, traceparent, started_at,
                business_started_at)
            select run_id, client_id, workflow, version, key, input, clock_offset, traceparent,
                \(time), \(time)::timestamptz + clock_offset * interval '1 microsecond'
            from unnest(
                \(writes.map(\.runID))::uuid[],
                \(writes.map { TenantColumn.uuid($0.key.clientID) })::uuid[],
                \(writes.map(\.workflow))::text[],
                \(writes.map { Int32($0.version) })::integer[],
                \(writes.map(\.key.name))::text[],
                \(writes.map(\.input))::bytea[],
                \(writes.map(\.clockOffset))::bigint[],
                \(writes.map(\.traceparent))::text[]
            ) as item (run_id, client_id, workflow, version, key, input, clock_offset, traceparent)
            order by client_id, workflow, key
            on conflict do nothing
            returning run_id, workflow, version
        ), \(next)
        """
    }

    private struct IndexedKey: Hashable {
        let client: UUID
        let workflow: String
        let key: String

        init(_ write: StartWrite) {
            client = TenantColumn.uuid(write.key.clientID)
            workflow = write.workflow
            key = write.key.name
        }

        init(row: Row) throws(PostgresError) {
            client = try row.get("client_id")
            workflow = try row.get("workflow")
            key = try row.get("key")
        }
    }

    private static func existing(
        _ writes: [StartWrite], on executor: some PostgresExecutor
    ) async throws(PostgresError) -> [IndexedKey: RunID] {
        let rows = try await executor.query(
            """
            select run.run_id, run.client_id, run.workflow, run.key from durable_run as run
            join unnest(
                \(writes.map { TenantColumn.uuid($0.key.clientID) })::uuid[],
                \(writes.map(\.workflow))::text[],
                \(writes.map(\.key.name))::text[]
            ) as item (client_id, workflow, key)
                on run.client_id = item.client_id and run.workflow = item.workflow
                and run.key = item.key
            """)
        var existing: [IndexedKey: RunID] = [:]
        for row in rows { existing[try IndexedKey(row: row)] = try row.get("run_id") }
        return existing
    }
}
