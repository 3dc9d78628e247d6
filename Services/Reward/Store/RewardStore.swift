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
        let found = try await transaction.pipeline([
            LedgerWriting.byKey,
            """
            select \(RewardRow.columns), \(time) as business_time from reward
            where client_id = \(client) and reward_id = \(rewardID) for no key update
            """,
        ])[1].first
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
                transferID: world.ids.next(), chainID: chain, leg: leg,
                rewardID: reward.summary.rewardID,
                resolves: leg.kind.resolvesReservation ? reward.reserveTransferID : nil)
        }
        var statements: [SQL] = []
        // The grant and the campaign's row before the accounts, as in an allocation. Whoever
        // repeats the attempt meanwhile waits, and then finds the refusal where the reward was.
        if status == .rejected {
            statements = [
                GrantSQL.lock([reward.key]),
                GrantSQL.reject(reward, at: now, id: world.ids.next()),
            ]
            statements += Self.uncount(reward)
        }
        let accounts = LedgerWriting.accountsToOpen(legs)
        if !accounts.isEmpty {
            statements.append(
                LedgerWriting.open(accounts, of: client, at: "\(now)", ids: world.ids))
        }
        let place = statements.count
        if !postings.isEmpty {
            statements.append(LedgerWriting.post(postings, of: client, at: "\(now)"))
        }
        statements.append(
            """
            update reward set status = \(status), status_actor = \(actor),
                status_reason = \(reason), status_at = \(now),
                reserve_transfer_id = case when \(legs.contains(where: \.kind.resolvesReservation))
                    then null else reserve_transfer_id end
            where client_id = \(client) and reward_id = \(reward.summary.rewardID)
            """)
        let results = try await transaction.pipeline(statements)
        guard postings.isEmpty || results[place].count == postings.count else {
            throw RewardFailure.incompletePosting
        }
    }

    /// A rejected reward was not given: the caps have its place again.
    private static func uncount(_ reward: RewardRow) -> [SQL] {
        let (client, campaign) = (reward.clientID, reward.summary.campaignID)
        return [
            """
            update campaign set rewards_given = rewards_given - 1
            where client_id = \(client) and campaign_id = \(campaign)
            """,
            """
            update campaign_participant set rewards_given = rewards_given - 1
            where client_id = \(client) and campaign_id = \(campaign)
                and participant_id = \(reward.summary.participantID)
            """,
        ]
    }
}
