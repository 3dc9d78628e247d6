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

-- Changes one account's counters by one leg.
create function ledger_apply_side(
    account uuid, side text, kind text, amount numeric
) returns void language plpgsql as $$
declare
    pending numeric := case kind when 'pending' then amount when 'posted' then 0 else -amount end;
    posted numeric := case when kind in ('posted', 'post') then amount else 0 end;
begin
    if side = 'debit' then
        update ledger_account
        set debits_pending = debits_pending + pending, debits_posted = debits_posted + posted
        where account_id = account;
    else
        update ledger_account
        set credits_pending = credits_pending + pending, credits_posted = credits_posted + posted
        where account_id = account;
    end if;
end $$;

-- Applies a transfer to both accounts, always in the order of their ids, so that two transfers
-- between the same accounts cannot wait for each other.
create function ledger_apply_transfer() returns trigger language plpgsql as $$
declare
    reserved ledger_transfer;
begin
    if new.pending_transfer_id is not null then
        select * into reserved from ledger_transfer where transfer_id = new.pending_transfer_id;
        if reserved.kind <> 'pending' or reserved.client_id <> new.client_id
            or reserved.debit_account_id <> new.debit_account_id
            or reserved.credit_account_id <> new.credit_account_id
            or reserved.amount <> new.amount then
            raise exception 'the resolving transfer does not match the pending one'
                using errcode = 'GV002';
        end if;
    end if;
    if new.debit_account_id < new.credit_account_id then
        perform ledger_apply_side(new.debit_account_id, 'debit', new.kind, new.amount);
        perform ledger_apply_side(new.credit_account_id, 'credit', new.kind, new.amount);
    else
        perform ledger_apply_side(new.credit_account_id, 'credit', new.kind, new.amount);
        perform ledger_apply_side(new.debit_account_id, 'debit', new.kind, new.amount);
    end if;
    return null;
end $$;

create trigger ledger_transfer_applies after insert on ledger_transfer
    for each row execute function ledger_apply_transfer();

create function ledger_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'ledger transfers are never changed or deleted' using errcode = 'GV003';
end $$;

create trigger ledger_transfer_immutable before update or delete on ledger_transfer
    for each row execute function ledger_refuse_change();
create trigger ledger_transfer_not_truncated before truncate on ledger_transfer
    for each statement execute function ledger_refuse_change();
