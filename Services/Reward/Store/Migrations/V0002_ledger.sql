-- The double-entry ledger (DESIGN §7). An account carries four counters and never a signed balance;
-- transfers are immutable and the database itself applies them, so counters always equal their sum.

create table ledger_account (
    account_id uuid primary key,
    client_id uuid not null,
    kind text not null check (kind in (
        'client_treasury', 'campaign_budget', 'campaign_reserve', 'participant_pending',
        'participant_available', 'participant_held', 'payout_clearing', 'paid_out', 'breakage',
        'clawback_receivable', 'fees')),
    -- The client, campaign or participant that the account belongs to.
    owner_id uuid not null,
    asset text not null check (asset ~ '^[A-Z][A-Z0-9]{1,11}$'),
    debits_pending numeric(38, 0) not null default 0 check (debits_pending >= 0),
    debits_posted numeric(38, 0) not null default 0 check (debits_posted >= 0),
    credits_pending numeric(38, 0) not null default 0 check (credits_pending >= 0),
    credits_posted numeric(38, 0) not null default 0 check (credits_posted >= 0),
    -- True for every account that may not be overdrawn. Pending debits count, so posting one later
    -- can never break the limit.
    debits_within_credits boolean not null,
    created_at timestamptz not null,
    constraint ledger_account_not_overdrawn check (
        not debits_within_credits or debits_pending + debits_posted <= credits_posted),
    constraint ledger_account_owner unique (client_id, kind, owner_id, asset),
    -- What transfers refer to, so that both sides are of one client and one asset.
    constraint ledger_account_side unique (account_id, client_id, asset)
) with (fillfactor = 70);

create table ledger_transfer (
    transfer_id uuid primary key,
    client_id uuid not null,
    -- Legs of one chain are all there or none is: they are written in one transaction.
    chain_id uuid not null,
    debit_account_id uuid not null,
    credit_account_id uuid not null,
    asset text not null,
    amount numeric(38, 0) not null check (amount > 0),
    -- posted: at once. pending: reserves. post / void: resolves the pending one it names, wholly.
    kind text not null check (kind in ('posted', 'pending', 'post', 'void')),
    pending_transfer_id uuid references ledger_transfer (transfer_id),
    -- Why, as a stable slug (campaign_funding, reward_reserve, reward_approval, …).
    reason text not null,
    reward_id uuid,
    created_at timestamptz not null,
    constraint ledger_transfer_two_accounts check (debit_account_id <> credit_account_id),
    constraint ledger_transfer_resolves check (
        (kind in ('post', 'void')) = (pending_transfer_id is not null)),
    constraint ledger_transfer_debit foreign key (debit_account_id, client_id, asset)
        references ledger_account (account_id, client_id, asset),
    constraint ledger_transfer_credit foreign key (credit_account_id, client_id, asset)
        references ledger_account (account_id, client_id, asset)
);

-- A pending transfer is resolved at most once.
create unique index ledger_transfer_resolved_once on ledger_transfer (pending_transfer_id)
    where pending_transfer_id is not null;
create index ledger_transfer_of_reward on ledger_transfer (client_id, reward_id)
    where reward_id is not null;
create index ledger_transfer_debits on ledger_transfer (debit_account_id, transfer_id);
create index ledger_transfer_credits on ledger_transfer (credit_account_id, transfer_id);

-- Applies all transfers of one statement: each account is locked once, in the order of the ids, so
-- that two statements over the same accounts cannot wait for each other, and changed once. The
-- limits are judged on the result.
create function ledger_apply_transfers() returns trigger language plpgsql as $$
begin
    if exists (
        select from fresh where pending_transfer_id is not null and not exists (
            select from ledger_transfer reserved
            where reserved.transfer_id = fresh.pending_transfer_id
                and reserved.kind = 'pending' and reserved.client_id = fresh.client_id
                and reserved.debit_account_id = fresh.debit_account_id
                and reserved.credit_account_id = fresh.credit_account_id
                and reserved.amount = fresh.amount)
    ) then
        raise exception 'the resolving transfer does not match the pending one'
            using errcode = 'GV002';
    end if;
    -- Not "for update": the foreign keys of other transfers may look at the accounts meanwhile.
    perform from ledger_account where account_id in (
        select debit_account_id from fresh union select credit_account_id from fresh)
    order by account_id for no key update;
    update ledger_account as account
    set debits_pending = account.debits_pending + change.debits_pending,
        debits_posted = account.debits_posted + change.debits_posted,
        credits_pending = account.credits_pending + change.credits_pending,
        credits_posted = account.credits_posted + change.credits_posted
    from (
        select side.account_id,
            sum(side.pending) filter (where side.is_debit) as debits_pending,
            sum(side.posted) filter (where side.is_debit) as debits_posted,
            sum(side.pending) filter (where not side.is_debit) as credits_pending,
            sum(side.posted) filter (where not side.is_debit) as credits_posted
        from (
            select debit_account_id as account_id, true as is_debit,
                case kind when 'pending' then amount when 'posted' then 0 else -amount end
                    as pending,
                case when kind in ('posted', 'post') then amount else 0 end as posted
            from fresh
            union all
            select credit_account_id, false,
                case kind when 'pending' then amount when 'posted' then 0 else -amount end,
                case when kind in ('posted', 'post') then amount else 0 end
            from fresh
        ) as side
        group by side.account_id
    ) as totals
    cross join lateral (
        select coalesce(totals.debits_pending, 0) as debits_pending,
            coalesce(totals.debits_posted, 0) as debits_posted,
            coalesce(totals.credits_pending, 0) as credits_pending,
            coalesce(totals.credits_posted, 0) as credits_posted
    ) as change
    where account.account_id = totals.account_id;
    return null;
end $$;

create trigger ledger_transfers_apply after insert on ledger_transfer
    referencing new table as fresh for each statement execute function ledger_apply_transfers();

create function ledger_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'ledger transfers are never changed or deleted' using errcode = 'GV003';
end $$;

create trigger ledger_transfer_immutable before update or delete on ledger_transfer
    for each row execute function ledger_refuse_change();
create trigger ledger_transfer_not_truncated before truncate on ledger_transfer
    for each statement execute function ledger_refuse_change();
