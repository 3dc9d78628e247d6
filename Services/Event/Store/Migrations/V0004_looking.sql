-- What clients see of their events.

-- Events that were not taken, kept for a while so that their client can see why and send them
-- again after a fix. Few rows per client, so the primary key serves every search.

create table rejected_event (
    client_id uuid not null,
    -- Grows with time.
    rejection_id uuid not null,
    received_at timestamptz not null,
    -- Why, as the sender was told.
    code text not null,
    pointer text not null,
    detail text not null,
    -- As far as they could be read.
    event_id text,
    type text,
    front text not null check (
        front in ('native', 'segment', 'posthog', 'cloudevents', 'webhook')),
    key_id uuid,
    source_id uuid,
    trust text not null check (
        trust in ('browser', 'signed_user', 'server', 'webhook', 'internal')),
    -- What else is needed to read it again: the call that the path named, its place in the batch,
    -- and what the batch or the headers said.
    call text,
    place integer not null,
    sent_at timestamptz,
    shared bytea,
    headers jsonb,
    -- As sent, or the beginning of it.
    body bytea not null,
    sent_bytes integer not null,
    -- The last time that it was sent again: which request did, and what became of it.
    replay_id uuid,
    replayed_at timestamptz,
    replay_status text check (
        replay_status in ('accepted', 'duplicate', 'conflict', 'rejected')),
    replay_code text,
    replay_detail text,
    replay_position bigint,
    primary key (client_id, rejection_id),
    check ((replayed_at is null) = (replay_status is null))
);
create index rejected_event_by_age on rejected_event (received_at);

-- How many events came, counted in stretches of five minutes, for two days. Written every few
-- seconds: who looks at it wants to see that events come, not to add them up.

create table event_volume (
    client_id uuid not null,
    began_at timestamptz not null,
    -- Empty for what could not be read, and beyond a number of types.
    type text not null,
    front text not null,
    -- The key or webhook source; empty without one.
    source text not null,
    accepted bigint not null,
    duplicate bigint not null,
    rejected bigint not null,
    primary key (client_id, began_at, type, front, source)
) with (fillfactor = 70);
create index event_volume_by_age on event_volume (began_at);
