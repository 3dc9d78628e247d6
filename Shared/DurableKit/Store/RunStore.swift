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
}

/// The table `durable_run`, and how runs begin.
enum RunStore {
    /// Inserts the runs whose key is free and makes them ready, in one statement. Then tells for
    /// each whether it was started. Two starts of one key: the second waits for the first one's
    /// commit.
    static func start(
        _ writes: [StartWrite], at time: Timestamp, on executor: some PostgresExecutor
    ) async throws -> [StartResult] {
        let rows = try await executor.query(insert(writes, at: time))
        var started: Set<RunID> = []
        for row in rows { started.insert(try row.get(at: 0)) }
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

    private static func insert(_ writes: [StartWrite], at time: Timestamp) -> SQL {
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
        ), ready as (
            insert into durable_ready (run_id, workflow, version, execution, crashes)
            select run_id, workflow, version, 0, 0 from started
        )
        select run_id from started
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
