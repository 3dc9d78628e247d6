-- What reward-service has been told of campaigns, by message and in the log's order. A run stays on
-- the revision it started with, so older revisions are kept; the campaign row holds what is in force.

create table campaign (
    client_id uuid not null,
    campaign_id uuid not null,
    revision integer not null check (revision > 0),
    status text not null check (status in (
        'draft', 'in_review', 'active', 'paused', 'completed', 'expired', 'closed')),
    rewards_given integer not null default 0 check (rewards_given >= 0),
    maximum_rewards integer check (maximum_rewards >= 0),
    primary key (client_id, campaign_id)
);

create table campaign_revision (
    client_id uuid not null,
    campaign_id uuid not null,
    revision integer not null,
    definition jsonb not null,
    primary key (client_id, campaign_id, revision)
);

-- How many rewards one participant has had of one campaign: the row that a cap is decided on.
create table campaign_participant (
    client_id uuid not null,
    campaign_id uuid not null,
    participant_id uuid not null,
    rewards_given integer not null check (rewards_given >= 0),
    primary key (client_id, campaign_id, participant_id)
);
