-- What reward-service has been told of clients and campaigns, by message and in the log's order. A
-- run stays on the revision it started with, so older revisions are kept; the campaign row holds
-- what is in force.

-- What decides a client's business time; a client without a row lives by the system clock.
create table client_settings (
    client_id uuid primary key,
    business_clock_offset_milliseconds bigint not null check (
        business_clock_offset_milliseconds >= 0)
);

create table campaign (
    client_id uuid not null,
    campaign_id uuid not null,
    revision integer not null check (revision > 0),
    status text not null check (status in (
        'draft', 'in_review', 'active', 'paused', 'completed', 'expired', 'closed')),
    -- When the change happened that the row tells of: with the revision it orders messages.
    changed_at timestamptz not null,
    rewards_given integer not null default 0 check (rewards_given >= 0),
    maximum_rewards integer check (maximum_rewards >= 0),
    primary key (client_id, campaign_id)
) with (fillfactor = 50);

create table campaign_revision (
    client_id uuid not null,
    campaign_id uuid not null,
    revision integer not null,
    definition jsonb not null,
    primary key (client_id, campaign_id, revision)
);

-- What was put into a campaign's budget account in all, so that an update posts the difference.
create table campaign_funding (
    client_id uuid not null,
    campaign_id uuid not null,
    asset text not null,
    funded numeric(38, 0) not null check (funded >= 0),
    primary key (client_id, campaign_id, asset)
);

-- How many rewards one participant has had of one campaign: the row that a cap is decided on.
create table campaign_participant (
    client_id uuid not null,
    campaign_id uuid not null,
    participant_id uuid not null,
    rewards_given integer not null check (rewards_given >= 0),
    primary key (client_id, campaign_id, participant_id)
);
