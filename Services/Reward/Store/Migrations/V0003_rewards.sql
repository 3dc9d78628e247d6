-- Rewards and their states. The legal transitions are data, and the database refuses every other
-- (DESIGN §7); each change leaves a history row with actor, reason and time.

create table reward_transition (
    from_status text not null,
    to_status text not null,
    primary key (from_status, to_status)
);

insert into reward_transition (from_status, to_status) values
    ('earned', 'pending'),
    ('pending', 'eligible'), ('pending', 'rejected'),
    ('eligible', 'approved'), ('eligible', 'expired'), ('eligible', 'rejected'),
    ('approved', 'fulfilled'), ('approved', 'failed'), ('approved', 'reversed'),
    ('failed', 'approved'),
    ('fulfilled', 'redeemed'), ('fulfilled', 'expired'), ('fulfilled', 'reversed'),
    ('redeemed', 'reversed');

create table reward (
    reward_id uuid primary key,
    client_id uuid not null,
    campaign_id uuid not null,
    campaign_revision integer not null,
    rule_id text not null,
    participant_id uuid not null,
    role text not null check (role in ('participant', 'referrer')),
    -- What was achieved, not the message that told of it.
    subject text not null check (length(subject) between 1 and 200),
    amount numeric(38, 0) not null check (amount > 0),
    asset text not null,
    decision_id uuid not null,
    run_id uuid,
    -- The pending transfer that holds the amount until approval; null once nothing is reserved.
    reserve_transfer_id uuid,
    status text not null check (status in (
        'earned', 'pending', 'eligible', 'approved', 'fulfilled', 'redeemed', 'rejected',
        'expired', 'failed', 'reversed')),
    -- Apart from the status, so that a change of it leaves the index below alone.
    holds_grant boolean not null generated always as (status <> 'rejected') stored,
    -- Who moved it to this status, why and when; copied to the history by the trigger below.
    status_actor text not null,
    status_reason text not null,
    status_at timestamptz not null,
    created_at timestamptz not null
) with (fillfactor = 80);

-- One success per grant key, whatever retries, races and other sources of the same fact do.
-- A rejected reward is a refusal: a later attempt of the same grant may succeed.
create unique index reward_grant on reward
    (client_id, campaign_id, rule_id, participant_id, role, subject) where holds_grant;
create index reward_by_campaign on reward (client_id, campaign_id, reward_id);
create index reward_by_participant on reward (client_id, participant_id, reward_id);
create index reward_by_client on reward (client_id, reward_id);

create table reward_history (
    reward_id uuid not null references reward (reward_id),
    sequence integer not null,
    client_id uuid not null,
    from_status text,
    to_status text not null,
    actor text not null,
    reason text not null,
    at timestamptz not null,
    primary key (reward_id, sequence)
);

create function reward_record_transition() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.status <> 'earned' then
            raise exception 'a reward begins as earned' using errcode = 'GV001';
        end if;
    elsif new.status = old.status then
        return new;
    elsif not exists (
        select 1 from reward_transition
        where from_status = old.status and to_status = new.status
    ) then
        raise exception 'a reward cannot go from % to %', old.status, new.status
            using errcode = 'GV001';
    end if;
    insert into reward_history (
        reward_id, sequence, client_id, from_status, to_status, actor, reason, at)
    select new.reward_id, count(*) + 1, new.client_id,
        case when tg_op = 'INSERT' then null else old.status end,
        new.status, new.status_actor, new.status_reason, new.status_at
    from reward_history where reward_id = new.reward_id;
    return new;
end $$;

create trigger reward_records_transition after insert or update of status on reward
    for each row execute function reward_record_transition();

-- Attempts that gave nothing, kept as they are: the same attempt, which is one decision's of one
-- grant, has one outcome for ever.
create table reward_refusal (
    refusal_id uuid primary key,
    client_id uuid not null,
    campaign_id uuid not null,
    rule_id text not null,
    participant_id uuid not null,
    role text not null,
    subject text not null,
    decision_id uuid not null,
    run_id uuid not null,
    reason text not null,
    created_at timestamptz not null,
    constraint reward_refusal_once unique (
        client_id, campaign_id, rule_id, participant_id, role, subject, decision_id)
);
create index reward_refusal_by_campaign on reward_refusal (client_id, campaign_id, refusal_id);
