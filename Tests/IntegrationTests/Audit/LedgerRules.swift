import Contracts
import Kernel
import PostgresKit

/// Debits equal credits, no account beyond its limit, counters are the sum of the transfers.
enum LedgerRules {
    static let all = [
        AuditRule(
            "debits equal credits in every asset", in: .reward,
            """
            select asset as finding from ledger_account group by asset
            having sum(debits_posted) <> sum(credits_posted)
                or sum(debits_pending) <> sum(credits_pending)
            """),
        AuditRule("counters are the sum of the transfers", in: .reward, counters),
        AuditRule(
            "no account is beyond its limit", in: .reward,
            """
            select kind || ' ' || account_id as finding from ledger_account
            where kind not in ('client_treasury', 'clawback_receivable')
                and debits_pending + debits_posted > credits_posted
            """),
        AuditRule("spent and reserved stay within what was funded", in: .reward, budget),
        AuditRule("every step of a reward has its transfers, once", in: .reward, chains),
        AuditRule(
            "a reservation is resolved once", in: .reward,
            """
            select pending_transfer_id as finding from ledger_transfer
            where pending_transfer_id is not null
            group by pending_transfer_id having count(*) > 1
            """),
    ]

    private static let counters: SQL = """
        with side as (
            select debit_account_id as account_id, kind, amount, true as is_debit
            from ledger_transfer
            union all
            select credit_account_id, kind, amount, false from ledger_transfer
        ), total as (
            select account_id,
                coalesce(sum(amount) filter (where is_debit and kind = 'pending'), 0)
                    - coalesce(sum(amount) filter (where is_debit and kind in ('post', 'void')), 0)
                    as debits_pending,
                coalesce(sum(amount) filter (where is_debit and kind in ('post', 'posted')), 0)
                    as debits_posted,
                coalesce(sum(amount) filter (where not is_debit and kind = 'pending'), 0)
                    - coalesce(
                        sum(amount) filter (where not is_debit and kind in ('post', 'void')), 0)
                    as credits_pending,
                coalesce(sum(amount) filter (where not is_debit and kind in ('post', 'posted')), 0)
                    as credits_posted
            from side group by account_id
        )
        select account.kind || ' ' || account.account_id as finding from ledger_account account
        left join total on total.account_id = account.account_id
        where account.debits_pending <> coalesce(total.debits_pending, 0)
            or account.debits_posted <> coalesce(total.debits_posted, 0)
            or account.credits_pending <> coalesce(total.credits_pending, 0)
            or account.credits_posted <> coalesce(total.credits_posted, 0)
        """

    private static let budget: SQL = """
        select campaign.campaign_id as finding from campaign_funding campaign
        join ledger_account account on account.client_id = campaign.client_id
            and account.kind = 'campaign_budget' and account.owner_id = campaign.campaign_id
            and account.asset = campaign.asset
        where account.debits_posted + account.debits_pending > account.credits_posted
            or account.credits_posted < campaign.funded
        """

    /// How many transfers of which reason a transition books (DESIGN §7).
    private static let chains: SQL = """
        with booking (from_status, to_status, reason, legs) as (values
            ('earned', 'pending', 'reward_reserve', 1),
            ('pending', 'rejected', 'reward_release', 1),
            ('eligible', 'rejected', 'reward_release', 1),
            ('eligible', 'expired', 'reward_release', 1),
            ('eligible', 'approved', 'reward_approval', 2),
            ('approved', 'fulfilled', 'reward_fulfilment', 1),
            ('approved', 'reversed', 'reward_reversal', 1),
            ('fulfilled', 'reversed', 'reward_reversal', 1),
            ('fulfilled', 'expired', 'reward_expiry', 1),
            ('fulfilled', 'redeemed', 'reward_release', 1),
            ('redeemed', 'reversed', 'reward_clawback', 1)
        ), wanted as (
            select step.reward_id, booking.reason, sum(booking.legs) as legs
            from reward_history step join booking on booking.from_status = step.from_status
                and booking.to_status = step.to_status
            group by step.reward_id, booking.reason
        ), found as (
            select transfer.reward_id, transfer.reason, count(*) as legs,
                bool_and(transfer.amount = reward.amount and transfer.asset = reward.asset) as fits
            from ledger_transfer transfer join reward on reward.reward_id = transfer.reward_id
            group by transfer.reward_id, transfer.reason
        )
        select coalesce(wanted.reward_id, found.reward_id) || ' '
            || coalesce(wanted.reason, found.reason) as finding
        from wanted full join found on found.reward_id = wanted.reward_id
            and found.reason = wanted.reason
        where wanted.legs is distinct from found.legs or not found.fits
        """
}
