-- Campaigns as their messages have told of them. One client's messages and events are in one order
-- on one shard of the log, so a row stands as of the position that the cursor has reached: every
-- event is judged by the campaign as it stood when the event came.

create table campaign_definition (
    client_id uuid not null,
    campaign_id uuid not null,
    revision integer not null check (revision > 0),
    status text not null check (status in (
        'draft', 'in_review', 'active', 'paused', 'completed', 'expired', 'closed')),
    -- The types of the events that may start a run, to find the campaigns of an event.
    trigger_events text[] not null,
    -- The CampaignDefinition of this revision.
    definition jsonb not null,
    -- Where in the log the message stands that told so.
    shard integer not null,
    position bigint not null,
    primary key (client_id, campaign_id)
);

-- How far ahead of the system clock each client's business clock runs, as client-service tells it.
-- Only test clients have a row that is not zero; without a row it is zero.
create table client_clock (
    client_id uuid primary key,
    offset_milliseconds bigint not null check (offset_milliseconds >= 0)
);
