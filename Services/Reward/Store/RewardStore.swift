import Contracts
import FoundationEssentials
import Kernel
import MessagingKit
import PostgresKit

/// Which rewards a list is about.
struct RewardFilter: Sendable {
    var campaignID: CampaignID?
    var participantID: ParticipantID?
    var status: RewardStatus?
}

/// One step of a reward's history.
struct RewardStep: Sendable, RowDecodable {
    let from: RewardStatus?
    let to: RewardStatus
    let actor: String
    let reason: String
    let at: Timestamp

    init(row: Row) throws(PostgresError) {
        from = try row.get("from_status")
        to = try row.get("to_status")
        actor = try row.get("actor")
        reason = try row.get("reason")
        at = try row.get("at")
    }
}

/// Reads rewards and moves them from state to state, with what the ledger does about it.
struct RewardStore: Sendable {
    let postgres: PostgresClient
    let outbox: Outbox
    let messages: RewardMessages
    let world: World

    /// A reward with its history, oldest step first; nil when the client has no such reward.
    func find(
        _ rewardID: RewardID, of client: ClientID
    ) async throws(PostgresError) -> (reward: RewardRow, history: [RewardStep])? {
        let found = try await postgres.pipeline([
            """
            select \(RewardRow.columns) from reward
            where client_id = \(client) and reward_id = \(rewardID)
            """,
            """
            select from_status, to_status, actor, reason, at from reward_history
            where client_id = \(client) and reward_id = \(rewardID) order by sequence
            """,
        ])
        guard let row = found[0].first else { return nil }
        var history: [RewardStep] = []
        for step in found[1] { history.append(try RewardStep(row: step)) }
        return (try RewardRow(row: row), history)
    }

    /// Rewards of the client, newest first, at most `limit`, those after the cursor.
    func list(
        _ filter: RewardFilter, after cursor: RewardID?, limit: Int, of client: ClientID
    ) async throws(PostgresError) -> [RewardRow] {
        var sql: SQL = "select \(RewardRow.columns) from reward where client_id = \(client)"
        if let campaignID = filter.campaignID { sql += " and campaign_id = \(campaignID)" }
        if let participant = filter.participantID { sql += " and participant_id = \(participant)" }
        if let status = filter.status { sql += " and status = \(status)" }
        if let cursor { sql += " and reward_id < \(cursor)" }
        sql += " order by reward_id desc limit \(limit)"
        return try await postgres.query(sql)
    }

    /// Moves a reward, books what that means, and tells of it, in the caller's transaction.
    ///
    /// With `repeats`, a reward that is there already stays as it is. Throws `RewardFailure` for an
    /// unknown reward, a move that is not legal, and a balance that is too low.
    func move(
        _ rewardID: RewardID, to status: RewardStatus, by actor: String, because reason: String,
        repeats: Set<RewardStatus> = [], of client: ClientID, in transaction: Transaction
    ) async throws -> RewardSummary {
        let time = BusinessTime.of(client, at: world.clock.now())
        var statements = [LedgerWriting.byKey]
        if status == .rejected {
            statements.append(RejectionSQL.lockCampaign(of: rewardID, client))
        }
        statements.append(
            """
            select \(RewardRow.columns), \(time) as business_time from reward
            where client_id = \(client) and reward_id = \(rewardID) for no key update
            """)
        let found = try await transaction.pipeline(statements).last?.first
        guard let found else { throw RewardFailure.rewardUnknown }
        let reward = try RewardRow(row: found)
        if repeats.contains(reward.summary.status) { return reward.summary }
        guard RewardTransition.isLegal(reward.summary.status, status) else {
            throw RewardFailure.illegalTransition(from: reward.summary.status, to: status)
        }
        let now: Timestamp = try found.get("business_time")
        do {
            try await book(reward, to: status, by: actor, because: reason, at: now, transaction)
        } catch let error as PostgresError where error.isOverdraft {
            throw RewardFailure.balanceTooLow
        }
        let moved = reward.summary(status)
        if let message = messages.message(moved, of: client, at: now) {
            try await outbox.append([message], in: transaction)
        }
        return moved
    }

    private func book(
        _ reward: RewardRow, to status: RewardStatus, by actor: String, because reason: String,
        at now: Timestamp, _ transaction: Transaction
    ) async throws {
        let client = reward.clientID
        let legs = RewardTransition.legs(
            from: reward.summary.status, to: status, reward: reward.posting)
        let chain = world.ids.next()
        let postings = legs.map { leg in
            LedgerPosting(
                clientID: client, transferID: world.ids.next(), chainID: chain, leg: leg,
                rewardID: reward.summary.rewardID,
                resolves: leg.kind.resolvesReservation ? reward.reserveTransferID : nil, at: now)
        }
        var statements: [SQL] = []
        if status == .rejected {
            statements.append(RejectionSQL.refuse(reward, at: now, id: world.ids.next()))
            statements += RejectionSQL.uncount(reward)
        }
        let accounts = LedgerWriting.accountsToOpen(postings)
        if !accounts.isEmpty {
            statements.append(LedgerWriting.open(accounts, at: now, ids: world.ids))
        }
        if !postings.isEmpty { statements.append(LedgerWriting.post(postings)) }
        statements.append(
            """
            update reward set status = \(status), status_actor = \(actor),
                status_reason = \(reason), status_at = \(now),
                reserve_transfer_id = case when \(legs.contains(where: \.kind.resolvesReservation))
                    then null else reserve_transfer_id end
            where client_id = \(client) and reward_id = \(reward.summary.rewardID)
            """)
        _ = try await transaction.pipeline(statements)
    }
}
