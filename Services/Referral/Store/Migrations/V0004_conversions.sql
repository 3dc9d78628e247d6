-- Conversions, and every decision about one with what it was made from.

create table conversion_decision (
    decision_id uuid primary key,
    client_id uuid not null,
    campaign_id uuid not null,
    campaign_revision integer not null,
    kind text not null check (kind in ('signup', 'purchase')),
    participant_id uuid not null,
    subject text not null,
    outcome text not null check (outcome in ('converted', 'unattributed', 'refused')),
    -- What stood in the way.
    reason text,
    conversion_id uuid,
    referrer_id uuid,
    link_id uuid,
    -- Each check in order: code, passed, detail.
    checks jsonb not null,
    rule_version integer not null,
    -- What was known: the touch, the window, the signals.
    inputs jsonb not null,
    -- One decision per asking step, however often the step is tried.
    request_key text not null check (length(request_key) between 1 and 255),
    decided_at timestamptz not null,
    constraint conversion_decision_once unique (client_id, request_key),
    check ((outcome = 'converted') = (reason is null)),
    check ((outcome = 'converted') = (conversion_id is not null))
);
create index conversion_decision_of_participant
    on conversion_decision (client_id, participant_id, decision_id);

create table referral_conversion (
    conversion_id uuid primary key,
    client_id uuid not null,
    -- The campaign that asked.
    campaign_id uuid not null,
    campaign_revision integer not null,
    kind text not null check (kind in ('signup', 'purchase')),
    -- What was achieved: however many messages tell of it, it counts once.
    subject text not null check (length(subject) between 1 and 200),
    referee_id uuid not null,
    referrer_id uuid not null,
    link_id uuid not null references referral_link,
    click_id uuid,
    value_units numeric(38, 0),
    value_asset text,
    run_id uuid,
    -- Written before or after in the same transaction.
    decision_id uuid not null references conversion_decision deferrable initially deferred,
    occurred_at timestamptz not null,
    converted_at timestamptz not null,
    constraint referral_conversion_once unique (client_id, campaign_id, kind, subject),
    constraint referral_conversion_not_self check (referee_id <> referrer_id),
    check ((value_units is null) = (value_asset is null))
);
create index referral_conversion_newest on referral_conversion (client_id, conversion_id);
create index referral_conversion_of_campaign
    on referral_conversion (client_id, campaign_id, conversion_id);
create index referral_conversion_of_referrer
    on referral_conversion (client_id, referrer_id, conversion_id);
