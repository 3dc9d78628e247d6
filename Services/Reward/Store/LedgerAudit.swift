import Contracts
import FoundationEssentials
import Kernel
import PostgresKit

/// The books of one asset: what all accounts together were debited and credited.
struct AssetBalance: Sendable, RowDecodable {
    let asset: Asset
    let debits: Int128
    let credits: Int128
    let debitsPending: Int128
    let creditsPending: Int128

    init(row: Row) throws(PostgresError) {
        asset = try row.get("asset")
        debits = try row.get("debits_posted")
        credits = try row.get("credits_posted")
        debitsPending = try row.get("debits_pending")
        creditsPending = try row.get("credits_pending")
    }

    var isBalanced: Bool { debits == credits && debitsPending == creditsPending }
}

/// Something that must be true and is not.
struct AuditFinding: Sendable, Hashable {
    /// Which rule is broken, a stable slug.
    let rule: String
    /// What breaks it: an account, a reward, a campaign.
    let subject: String
}

/// Proves what must stay true of rewards and the ledger (DESIGN §8), from the rows themselves.
///
/// All questions are answered from one snapshot, so it may run while rewards are given.
struct LedgerAudit: Sendable {
    let postgres: PostgresClient

    /// The client's trial balance, by asset.
    func trialBalance(of client: ClientID) async throws(PostgresError) -> [AssetBalance] {
        try await postgres.query(
            """
            select asset, sum(debits_posted) as debits_posted,
                sum(credits_posted) as credits_posted, sum(debits_pending) as debits_pending,
                sum(credits_pending) as credits_pending
            from ledger_account where client_id = \(client) group by asset order by asset
            """)
    }

    /// Everything that is wrong with a client's books; empty when they are right.
    func findings(of client: ClientID) async throws -> [AuditFinding] {
        try await postgres.withTransaction(isolation: .repeatableReadOnly) { transaction in
            var findings: [AuditFinding] = []
            for rows in try await transaction.pipeline(Self.questions(client)) {
                for row in rows {
                    findings.append(
                        AuditFinding(
                            rule: try row.get("rule"), subject: try row.get("subject")))
                }
            }
            return findings
        }
    }

    private static func questions(_ client: ClientID) -> [SQL] {
        [
            """
            select 'debits_equal_credits' as rule, asset as subject from ledger_account
            where client_id = \(client) group by asset
            having sum(debits_posted) <> sum(credits_posted)
                or sum(debits_pending) <> sum(credits_pending)
            """,
            counters(client),
            """
            select 'no_account_beyond_its_limit' as rule, account_id::text as subject
            from ledger_account where client_id = \(client)
                and kind not in ('client_treasury', 'clawback_receivable')
                and debits_pending + debits_posted > credits_posted
            """,
            """
            select 'one_success_per_grant' as rule, min(reward_id::text) as subject from reward
            where client_id = \(client) and status <> 'rejected'
            group by campaign_id, rule_id, participant_id, role, subject having count(*) > 1
            """,
            chains(client), reservations(client), funding(client), caps(client),
        ]
    }

    /// Counters are the sum of the transfers.
    private static func counters(_ client: ClientID) -> SQL {
        """
        with side as (
            select debit_account_id as account_id, kind, amount, true as is_debit
            from ledger_transfer where client_id = \(client)
            union all
            select credit_account_id, kind, amount, false
            from ledger_transfer where client_id = \(client)
        ), total as (
            select account_id, is_debit,
                sum(case kind when 'pending' then amount when 'posted' then 0 else -amount end)
                    as pending,
                sum(case when kind in ('posted', 'post') then amount else 0 end) as posted
            from side group by account_id, is_debit
        )
        select 'counters_equal_transfers' as rule, account.account_id::text as subject
        from ledger_account account
        left join total debit on debit.account_id = account.account_id and debit.is_debit
        left join total credit on credit.account_id = account.account_id and not credit.is_debit
        where account.client_id = \(client)
            and (account.debits_pending, account.debits_posted, account.credits_pending,
                account.credits_posted)
                is distinct from (coalesce(debit.pending, 0), coalesce(debit.posted, 0),
                coalesce(credit.pending, 0), coalesce(credit.posted, 0))
        """
    }

    /// Every step of a reward has the legs that it must have, and no others.
    private static func chains(_ client: ClientID) -> SQL {
        let counts = RewardTransition.legCounts
        return """
            with move as (
                select * from unnest(
                    \(counts.map(\.from.rawValue))::text[], \(counts.map(\.to.rawValue))::text[],
                    \(counts.map { Int32($0.legs) })::integer[]
                ) as move (from_status, to_status, legs)
            ), wanted as (
                select step.reward_id, sum(coalesce(move.legs, 0)) as legs
                from reward_history step
                left join move on move.from_status = step.from_status
                    and move.to_status = step.to_status
                where step.client_id = \(client) group by step.reward_id
            ), found as (
                select reward_id, count(*) as legs from ledger_transfer
                where client_id = \(client) and reward_id is not null group by reward_id
            )
            select 'every_reward_has_its_legs' as rule, reward.reward_id::text as subject
            from reward
            left join wanted on wanted.reward_id = reward.reward_id
            left join found on found.reward_id = reward.reward_id
            where reward.client_id = \(client) and wanted.legs is distinct from found.legs
            """
    }

    /// A reward's amount is reserved exactly while it is pending or eligible.
    private static func reservations(_ client: ClientID) -> SQL {
        """
        select 'reserved_until_decided' as rule, reward.reward_id::text as subject from reward
        where reward.client_id = \(client)
            and (reward.status in ('pending', 'eligible')) <> exists (
                select from ledger_transfer reserved
                where reserved.client_id = reward.client_id
                    and reserved.reward_id = reward.reward_id and reserved.kind = 'pending'
                    and not exists (
                        select from ledger_transfer resolved
                        where resolved.pending_transfer_id = reserved.transfer_id))
        """
    }

    /// A budget account was given what the campaign's row says.
    private static func funding(_ client: ClientID) -> SQL {
        """
        with given as (
            select account.owner_id as campaign_id, account.asset,
                sum(case when transfer.credit_account_id = account.account_id
                    then transfer.amount else -transfer.amount end) as funded
            from ledger_transfer transfer
            join ledger_account account on account.kind = 'campaign_budget'
                and account.account_id in (transfer.debit_account_id, transfer.credit_account_id)
            where transfer.client_id = \(client)
                and transfer.reason in ('campaign_funding', 'campaign_defunding')
            group by account.owner_id, account.asset
        )
        select 'funding_equals_transfers' as rule, told.campaign_id::text as subject
        from campaign_funding told
        left join given on given.campaign_id = told.campaign_id and given.asset = told.asset
        where told.client_id = \(client) and told.funded is distinct from given.funded
        """
    }

    /// The counters behind the caps are the number of rewards that hold their grant.
    private static func caps(_ client: ClientID) -> SQL {
        """
        with given as (
            select campaign_id, participant_id, count(*) as number from reward
            where client_id = \(client) and holds_grant group by campaign_id, participant_id
        )
        select 'caps_count_rewards' as rule, campaign.campaign_id::text as subject from campaign
        left join (select campaign_id, sum(number) as number from given group by campaign_id) all_of
            on all_of.campaign_id = campaign.campaign_id
        where campaign.client_id = \(client)
            and campaign.rewards_given <> coalesce(all_of.number, 0)
        union all
        select 'caps_count_rewards', one.participant_id::text from campaign_participant one
        left join given on given.campaign_id = one.campaign_id
            and given.participant_id = one.participant_id
        where one.client_id = \(client) and one.rewards_given <> coalesce(given.number, 0)
        """
    }
}
