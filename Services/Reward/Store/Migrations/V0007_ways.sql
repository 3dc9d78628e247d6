-- Rewards are given by the hundred, mostly as far as they go without a person: what the database
-- checks and writes for each row, it now does for all rows of a statement at once.

-- 1. Rewards. A reward may now be inserted where it stands after several moves; its history then
-- comes in the same statement, and every line of it must be a legal move, from the beginning.

drop trigger reward_records_transition on reward;
drop function reward_record_transition();

create function reward_check_given() returns trigger language plpgsql as $$
begin
    insert into reward_history (
        reward_id, sequence, client_id, from_status, to_status, actor, reason, at)
    select reward_id, 1, client_id, null, status, status_actor, status_reason, status_at
    from fresh where status = 'earned';
    if exists (
        select from fresh
        cross join lateral (
            select count(*) as lines, max(line.sequence) as last,
                count(*) filter (where case line.sequence
                    when 1 then line.from_status is null and line.to_status = 'earned'
                    else exists (
                        select from reward_transition legal
                        where legal.from_status = line.from_status
                            and legal.to_status = line.to_status
                    ) and line.from_status = (
                        select earlier.to_status from reward_history earlier
                        where earlier.reward_id = line.reward_id
                            and earlier.sequence = line.sequence - 1
                    ) end) as legal,
                (array_agg(line.to_status order by line.sequence desc))[1] as reached
            from reward_history line where line.reward_id = fresh.reward_id
        ) way
        where fresh.status <> 'earned' and (way.lines = 0 or way.lines <> way.last
            or way.lines <> way.legal or way.reached is distinct from fresh.status)
    ) then
        raise exception 'a reward begins as earned and comes further only by legal moves'
            using errcode = 'GV001';
    end if;
    return null;
end $$;

create trigger reward_given after insert on reward
    referencing new table as fresh for each statement execute function reward_check_given();

create function reward_record_moves() returns trigger language plpgsql as $$
declare
    illegal record;
begin
    select stale.status as before, fresh.status as after into illegal
    from fresh join stale on stale.reward_id = fresh.reward_id
    where fresh.status <> stale.status and not exists (
        select from reward_transition legal
        where legal.from_status = stale.status and legal.to_status = fresh.status)
    limit 1;
    if found then
        raise exception 'a reward cannot go from % to %', illegal.before, illegal.after
            using errcode = 'GV001';
    end if;
    insert into reward_history (
        reward_id, sequence, client_id, from_status, to_status, actor, reason, at)
    select fresh.reward_id, (
            select coalesce(max(line.sequence), 0) + 1 from reward_history line
            where line.reward_id = fresh.reward_id),
        fresh.client_id, stale.status, fresh.status, fresh.status_actor, fresh.status_reason,
        fresh.status_at
    from fresh join stale on stale.reward_id = fresh.reward_id
    where fresh.status <> stale.status;
    return null;
end $$;

create trigger reward_moved after update on reward
    referencing new table as fresh old table as stale
    for each statement execute function reward_record_moves();

-- Rewards stay and keep their names; so lines of their history need no foreign key, whose check
-- would lock the reward's row once for every line.
create function refuse_renaming() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never deleted or renamed', tg_table_name
        using errcode = 'GV003';
end $$;

create trigger reward_stays before delete or update of reward_id, client_id on reward
    for each statement execute function refuse_renaming();
create trigger reward_not_truncated before truncate on reward
    for each statement execute function refuse_renaming();
alter table reward_history drop constraint reward_history_reward_id_fkey;

-- 2. The ledger. That both sides of a transfer are accounts of its client and asset, and that what
-- it resolves is there, is now seen when it is applied; a foreign key looked at each leg by itself
-- and locked the campaign's own accounts twice for each.

create or replace function ledger_apply_transfers() returns trigger language plpgsql as $$
declare
    sides bigint;
    changed bigint;
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
    -- One order for all, so that two statements over the same accounts cannot wait for each other.
    perform from ledger_account where account_id in (
        select debit_account_id from fresh union select credit_account_id from fresh)
    order by account_id for no key update;
    update ledger_account as account
    set debits_pending = account.debits_pending + change.debits_pending,
        debits_posted = account.debits_posted + change.debits_posted,
        credits_pending = account.credits_pending + change.credits_pending,
        credits_posted = account.credits_posted + change.credits_posted
    from (
        select side.account_id, side.client_id, side.asset,
            coalesce(sum(side.pending) filter (where side.is_debit), 0) as debits_pending,
            coalesce(sum(side.posted) filter (where side.is_debit), 0) as debits_posted,
            coalesce(sum(side.pending) filter (where not side.is_debit), 0) as credits_pending,
            coalesce(sum(side.posted) filter (where not side.is_debit), 0) as credits_posted
        from (
            select debit_account_id as account_id, client_id, asset, true as is_debit,
                case kind when 'pending' then amount when 'posted' then 0 else -amount end
                    as pending,
                case when kind in ('posted', 'post') then amount else 0 end as posted
            from fresh
            union all
            select credit_account_id, client_id, asset, false,
                case kind when 'pending' then amount when 'posted' then 0 else -amount end,
                case when kind in ('posted', 'post') then amount else 0 end
            from fresh
        ) as side
        group by side.account_id, side.client_id, side.asset
    ) as change
    where account.account_id = change.account_id and account.client_id = change.client_id
        and account.asset = change.asset;
    get diagnostics changed = row_count;
    select count(*) into sides from (
        select debit_account_id, client_id, asset from fresh
        union select credit_account_id, client_id, asset from fresh) as side;
    if changed <> sides then
        raise exception 'a transfer is between two accounts of its client and asset'
            using errcode = 'GV004';
    end if;
    return null;
end $$;

create trigger ledger_account_stays
    before delete or update of account_id, client_id, kind, owner_id, asset on ledger_account
    for each statement execute function refuse_renaming();
create trigger ledger_account_not_truncated before truncate on ledger_account
    for each statement execute function refuse_renaming();
alter table ledger_transfer drop constraint ledger_transfer_debit;
alter table ledger_transfer drop constraint ledger_transfer_credit;
alter table ledger_transfer drop constraint ledger_transfer_pending_transfer_id_fkey;
alter table ledger_account drop constraint ledger_account_side;

-- As V0005: what a trigger needs is a few rows by their key, however long ago it was planned.
alter function ledger_apply_transfers() set enable_seqscan = off;
alter function ledger_apply_transfers() set enable_hashjoin = off;
alter function ledger_apply_transfers() set enable_mergejoin = off;
alter function reward_check_given() set enable_seqscan = off;
alter function reward_record_moves() set enable_seqscan = off;
