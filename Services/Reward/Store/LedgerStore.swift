import FoundationEssentials
import Kernel
import PostgresKit

/// An account with its counters.
struct LedgerAccount: Sendable, RowDecodable {
    let accountID: AccountID
    let kind: AccountKind
    let owner: UUID
    let asset: Asset
    let debitsPending: Int128
    let debitsPosted: Int128
    let creditsPending: Int128
    let creditsPosted: Int128

    init(row: Row) throws(PostgresError) {
        accountID = try row.get("account_id")
        kind = try row.get("kind")
        owner = try row.get("owner_id")
        asset = try row.get("asset")
        debitsPending = try row.get("debits_pending")
        debitsPosted = try row.get("debits_posted")
        creditsPending = try row.get("credits_pending")
        creditsPosted = try row.get("credits_posted")
    }
}

/// A transfer as it is stored.
struct LedgerTransfer: Sendable, RowDecodable {
    let transferID: TransferID
    let chainID: UUID
    let debitAccountID: AccountID
    let creditAccountID: AccountID
    let amount: Amount
    let kind: String
    let pendingTransferID: TransferID?
    let reason: String
    let rewardID: RewardID?
    let createdAt: Timestamp

    init(row: Row) throws(PostgresError) {
        transferID = try row.get("transfer_id")
        chainID = try row.get("chain_id")
        debitAccountID = try row.get("debit_account_id")
        creditAccountID = try row.get("credit_account_id")
        amount = try row.amount("amount")
        kind = try row.get("kind")
        pendingTransferID = try row.get("pending_transfer_id")
        reason = try row.get("reason")
        rewardID = try row.get("reward_id")
        createdAt = try row.get("created_at")
    }
}

/// A campaign's money.
struct CampaignBudget: Sendable {
    /// What the campaign says.
    let requested: Amount
    /// What it was given: what is in force.
    let funded: Amount
    let reserved: Amount
    let available: Amount
    let spent: Amount
}

/// Reads the ledger.
struct LedgerStore: Sendable {
    let postgres: PostgresClient

    /// Accounts of the client by id, those after the cursor, at most `limit`.
    ///
    /// - Parameter owners: only accounts of these campaigns and participants; empty for all.
    func accounts(
        of owners: [UUID], after cursor: AccountID?, limit: Int, client: ClientID
    ) async throws(PostgresError) -> [LedgerAccount] {
        var sql: SQL = """
            select account_id, kind, owner_id, asset, debits_pending, debits_posted,
                credits_pending, credits_posted
            from ledger_account where client_id = \(client)
            """
        if !owners.isEmpty { sql += " and owner_id = any(\(owners))" }
        if let cursor { sql += " and account_id > \(cursor)" }
        sql += " order by account_id limit \(limit)"
        return try await postgres.query(sql)
    }

    /// An account's transfers, newest first; nil when the client has no such account.
    func transfers(
        of account: AccountID, after cursor: TransferID?, limit: Int, client: ClientID
    ) async throws(PostgresError) -> [LedgerTransfer]? {
        let after: SQL = cursor.map { " and transfer_id < \($0)" } ?? ""
        let side = { (column: SQL) -> SQL in
            """
            (select transfer_id, chain_id, debit_account_id, credit_account_id, asset, amount,
                kind, pending_transfer_id, reason, reward_id, created_at
            from ledger_transfer
            where client_id = \(client) and \(column) = \(account)\(after)
            order by transfer_id desc limit \(limit))
            """
        }
        let results = try await postgres.pipeline([
            """
            select 1 from ledger_account
            where client_id = \(client) and account_id = \(account)
            """,
            """
            \(side("debit_account_id")) union all \(side("credit_account_id"))
            order by transfer_id desc limit \(limit)
            """,
        ])
        guard !results[0].isEmpty else { return nil }
        var transfers: [LedgerTransfer] = []
        for row in results[1] { transfers.append(try LedgerTransfer(row: row)) }
        return transfers
    }

    /// The money of a campaign in its budget's asset; nil when the client has no such campaign.
    func budget(
        of campaign: CampaignID, client: ClientID
    ) async throws(PostgresError) -> CampaignBudget? {
        let row = try await postgres.queryOne(
            """
            select told.definition -> 'budget' ->> 'asset' as asset,
                (told.definition -> 'budget' ->> 'units')::numeric as requested,
                coalesce(funding.funded, 0) as funded,
                coalesce(account.debits_pending, 0) as reserved,
                coalesce(account.credits_posted - account.debits_posted
                    - account.debits_pending, 0) as available,
                coalesce(funding.funded, 0)
                    - coalesce(account.credits_posted - account.debits_posted, 0) as spent
            from campaign
            join campaign_revision told on told.client_id = campaign.client_id
                and told.campaign_id = campaign.campaign_id and told.revision = campaign.revision
            left join ledger_account account on account.client_id = campaign.client_id
                and account.kind = \(AccountKind.campaignBudget)
                and account.owner_id = campaign.campaign_id
                and account.asset = told.definition -> 'budget' ->> 'asset'
            left join campaign_funding funding on funding.client_id = campaign.client_id
                and funding.campaign_id = campaign.campaign_id and funding.asset = account.asset
            where campaign.client_id = \(client) and campaign.campaign_id = \(campaign)
            """)
        guard let row else { return nil }
        return CampaignBudget(
            requested: try row.amount("requested"), funded: try row.amount("funded"),
            reserved: try row.amount("reserved"),
            available: try row.amount("available"), spent: try row.amount("spent"))
    }
}
