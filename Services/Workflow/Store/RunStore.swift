import Contracts
import DurableKit
import HTTPKit
import Kernel
import PostgresKit

/// What members see of the runs. Every read takes the client.
struct RunStore: Sendable {
    let postgres: PostgresClient

    // MARK: - Reading

    func find(_ run: RunID, of client: ClientID) async throws(PostgresError) -> CampaignRun? {
        try await Self.find(run, of: client, lock: "", on: postgres)
    }

    /// Runs, newest first, one more than `limit` when there are more.
    func list(
        of client: ClientID, _ filter: RunFilter, before: RunID?, limit: Int
    ) async throws(PostgresError) -> [CampaignRun] {
        var sql: SQL = "\(Self.select) where client_id = \(client)"
        if let campaign = filter.campaignID { sql += " and campaign_id = \(campaign)" }
        if let status = filter.status { sql += " and status = \(status)" }
        if let subject = filter.subject { sql += " and subject = \(subject)" }
        if let before { sql += " and run_id < \(before)" }
        return try await postgres.query(
            sql + " order by run_id desc limit \(limit + 1)", as: CampaignRun.self)
    }

    /// Runs that an event started.
    func started(
        by position: LogPosition, of client: ClientID, limit: Int
    ) async throws(PostgresError) -> [CampaignRun] {
        try await postgres.query(
            """
            \(Self.select) where client_id = \(client)
            and shard = \(Int32(clamping: position.shard)) and position = \(position.position)
            order by run_id limit \(limit)
            """, as: CampaignRun.self)
    }

    // MARK: - Writing, in the caller's transaction

    /// Writes down runs that were just started.
    func insert(_ runs: [StartedRun], in transaction: Transaction) async throws(PostgresError) {
        guard !runs.isEmpty else { return }
        _ = try await transaction.execute(
            """
            insert into campaign_run (
                client_id, run_id, campaign_id, revision, pulse, subject, participant_id, event_id,
                shard, position, status, started_at)
            select *, 'running', \(runs[0].startedAt) from unnest(
                \(runs.map(\.input.clientID))::uuid[],
                \(runs.map(\.runID))::uuid[],
                \(runs.map(\.input.campaignID))::uuid[],
                \(runs.map { Int32($0.input.revision) })::integer[],
                \(runs.map(\.input.pulse.rawValue))::text[],
                \(runs.map(\.input.subject))::text[],
                \(runs.map(\.input.participantID))::uuid[],
                \(runs.map(\.eventID))::text[],
                \(runs.map { Int32($0.input.position.shard) })::integer[],
                \(runs.map(\.input.position.position))::bigint[]
            )
            """)
    }

    /// Writes down how runs ended, in one statement.
    static func end(_ ends: [EndedRun], in transaction: Transaction) async throws {
        _ = try await transaction.execute(
            """
            update campaign_run as run
            set status = item.status, outcome = item.outcome, detail = item.detail,
                reward_ids = item.reward_ids::uuid[], rules = item.rules::jsonb,
                conversion = item.conversion::jsonb, link = item.link::jsonb,
                notifications = item.notifications::jsonb, finished_at = item.finished_at
            from unnest(
                \(ends.map(\.input.clientID))::uuid[],
                \(ends.map(\.run.runID))::uuid[],
                \(ends.map(\.end.status.rawValue))::text[],
                \(ends.map(\.end.outcome))::text[],
                \(ends.map(\.end.detail))::text[],
                \(ends.map(\.rewardIDs))::text[],
                \(try ends.map { try Self.json($0.end.rules) })::text[],
                \(try ends.map { try $0.end.conversion.map(Self.json) })::text[],
                \(try ends.map { try $0.end.link.map(Self.json) })::text[],
                \(try ends.map { try Self.json($0.end.notifications) })::text[],
                \(ends.map(\.run.finishedAt))::timestamptz[]
            ) as item (client_id, run_id, status, outcome, detail, reward_ids, rules, conversion,
                link, notifications, finished_at)
            where run.client_id = item.client_id and run.run_id = item.run_id
            """)
    }

    private static func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONCoding.encode(value), as: UTF8.self)
    }

    /// Locks a run against another who would reopen it; nil when the client has none such.
    func lock(
        _ run: RunID, of client: ClientID, in transaction: Transaction
    ) async throws(PostgresError) -> CampaignRun? {
        try await Self.find(run, of: client, lock: " for update", on: transaction)
    }

    /// The run goes on.
    func reopen(
        _ run: RunID, of client: ClientID, in transaction: Transaction
    ) async throws(PostgresError) -> CampaignRun? {
        _ = try await transaction.execute(
            """
            update campaign_run
            set status = 'running', outcome = null, detail = null, finished_at = null
            where client_id = \(client) and run_id = \(run)
            """)
        return try await Self.find(run, of: client, lock: "", on: transaction)
    }

    private static func find(
        _ run: RunID, of client: ClientID, lock: SQL, on executor: some PostgresExecutor
    ) async throws(PostgresError) -> CampaignRun? {
        try await executor.queryOne(
            "\(select) where client_id = \(client) and run_id = \(run)\(lock)",
            as: CampaignRun.self)
    }

    private static let select: SQL = """
        select run_id, campaign_id, revision, pulse, subject, participant_id, event_id, status,
            outcome, detail, reward_ids, rules, conversion, link, notifications, started_at,
            finished_at
        from campaign_run
        """
}

/// What a list of runs is narrowed to.
struct RunFilter: Sendable {
    var campaignID: CampaignID?
    var status: RunPhase?
    var subject: String?
}

extension CampaignRun: RowDecodable {
    init(row: Row) throws(PostgresError) {
        runID = try row.get("run_id")
        campaignID = try row.get("campaign_id")
        revision = Int(try row.get("revision", as: Int32.self))
        pulse = try row.get("pulse")
        subject = try row.get("subject")
        participantID = try row.get("participant_id")
        eventID = try row.get("event_id")
        status = try row.get("status")
        outcome = try row.get("outcome")
        detail = try row.get("detail")
        rewardIDs = try row.get("reward_ids")
        rules = try row.get("rules", as: JSONB.self).decode()
        conversion = try row.get("conversion", as: JSONB?.self)?.decode()
        link = try row.get("link", as: JSONB?.self)?.decode()
        notifications = try row.get("notifications", as: JSONB.self).decode()
        startedAt = try row.get("started_at")
        finishedAt = try row.get("finished_at")
    }
}
