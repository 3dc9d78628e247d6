package import Kernel
package import PostgresKit

/// Where a run stands, for people and programs that ask.
package struct RunStatus: Sendable {
    package let runID: RunID
    package let clientID: ClientID?
    package let workflow: String
    package let version: Int
    /// The name in the run's `WorkflowKey`.
    package let key: String
    package let state: RunState
    /// On the system clock.
    package let startedAt: Timestamp
    /// When a sleeping run wakes, on the system clock.
    package let wakesAt: Timestamp?
    /// On the system clock; nil until the end.
    package let finishedAt: Timestamp?
    /// Why the run failed or needs attention.
    package let failure: RunFailure?
}

/// One step of a run, recorded or failing.
package struct StepStatus: Sendable {
    package let name: String
    /// Set once the step has its result or final failure; on the system clock.
    package let recordedAt: Timestamp?
    /// The final failure, or the latest one of a step that is still tried.
    package let failure: RunFailure?
    /// Failed attempts of a step that is still tried.
    package let failures: Int
    /// When the next attempt is due, on the system clock.
    package let nextAttemptAt: Timestamp?
}

extension RunStatus: RowDecodable {
    package init(row: Row) throws(PostgresError) {
        runID = try row.get("run_id")
        clientID = TenantColumn.client(try row.get("client_id"))
        workflow = try row.get("workflow")
        version = Int(try row.get("version", as: Int32.self))
        key = try row.get("key")
        startedAt = try row.get("started_at")
        wakesAt = try row.get("due_at")
        finishedAt = try row.get("finished_at")
        let ended: RunState? = try row.get("state")
        let isActive: Bool = try row.get("is_active")
        state = ended ?? (wakesAt != nil ? .sleeping : isActive ? .running : .ready)
        let code: String? = try row.get("failure_code")
        let detail: String? = try row.get("failure_detail")
        failure = code.map { RunFailure(code: $0, detail: detail ?? "") }
    }
}

extension StepStatus: RowDecodable {
    package init(row: Row) throws(PostgresError) {
        name = try row.get("name")
        recordedAt = try row.get("recorded_at")
        failures = Int(try row.get("failures", as: Int32.self))
        nextAttemptAt = try row.get("next_attempt_at")
        let code: String? = try row.get("failure_code")
        let detail: String? = try row.get("failure_detail")
        failure = code.map { RunFailure(code: $0, detail: detail ?? "") }
    }
}

/// Reads over all tables of a run; each in one statement, so in one snapshot.
enum StatusStore {
    private static var select: SQL {
        """
        select run.run_id, run.client_id, run.workflow, run.version, run.key, run.started_at,
            timer.due_at, outcome.finished_at, outcome.state, outcome.failure_code,
            outcome.failure_detail, active.run_id is not null as is_active
        from durable_run as run
        left join durable_outcome as outcome on outcome.run_id = run.run_id
        left join durable_active as active on active.run_id = run.run_id
        left join durable_timer as timer on timer.run_id = run.run_id

        """
    }

    static func status(
        of run: RunID, on postgres: PostgresClient
    ) async throws(PostgresError) -> RunStatus? {
        try await postgres.queryOne(select + "where run.run_id = \(run)", as: RunStatus.self)
    }

    static func status(
        of id: WorkflowKey, workflow: String, on postgres: PostgresClient
    ) async throws(PostgresError) -> RunStatus? {
        try await postgres.queryOne(
            """
            \(select)where run.client_id = \(TenantColumn.uuid(id.clientID))
                and run.workflow = \(workflow) and run.key = \(id.name)
            """, as: RunStatus.self)
    }

    /// JSON; nil unless completed.
    static func output(
        of run: RunID, on postgres: PostgresClient
    ) async throws(PostgresError) -> [UInt8]? {
        try await postgres.queryOne(
            """
            select output from durable_outcome where run_id = \(run) and state = 'completed'
            """)?.get(at: 0)
    }

    static func steps(
        of run: RunID, on postgres: PostgresClient
    ) async throws(PostgresError) -> [StepStatus] {
        try await postgres.query(
            """
            select name, recorded_at, 0 as failures, null::timestamptz as next_attempt_at,
                failure_code, failure_detail
            from durable_step where run_id = \(run)
            union all
            select name, null, failures, next_attempt_at, code, detail
            from durable_attempt as attempt where run_id = \(run) and not exists (
                select from durable_step as step
                where step.run_id = attempt.run_id and step.name = attempt.name
            )
            order by recorded_at nulls last, name
            """)
    }

    /// Newest first, before `before`; one row more than `limit` when there are more.
    static func list(
        client: ClientID?, state: RunState?, before: RunID?, limit: Int,
        on postgres: PostgresClient
    ) async throws(PostgresError) -> [RunStatus] {
        var sql = select + "where true"
        if let client { sql += " and run.client_id = \(client)" }
        if let before { sql += " and run.run_id < \(before)" }
        switch state {
        case nil: break
        case .ready?:
            sql +=
                " and exists (select from durable_ready as ready where ready.run_id = run.run_id)"
        case .running?: sql += " and active.run_id is not null"
        case .sleeping?: sql += " and timer.run_id is not null"
        case let ended?: sql += " and outcome.state = \(ended)"
        }
        return try await postgres.query(sql + " order by run.run_id desc limit \(limit + 1)")
    }
}
