-- What a service needs to speak to the log and to hear it. Every time here is the database's own
-- clock: leases must be compared on one clock, whatever the replicas' clocks say.

-- Messages that are committed with the change they tell of and wait to be relayed to the log.
create table messaging_outbox (
    sequence bigint generated always as identity primary key,
    client_id uuid not null,
    message_id text not null check (length(message_id) between 1 and 100),
    -- The whole message as JSON, exactly as it is sent.
    body bytea not null,
    appended_at timestamptz not null default now()
);

-- A claimed client's messages in order.
create index messaging_outbox_by_client on messaging_outbox (client_id, sequence);
-- Whether given messages still wait (relay before the answer).
create index messaging_outbox_by_message on messaging_outbox (message_id);

-- Who relays a client's messages right now. A client has one relay at a time, so that its messages
-- reach the log in order; the claim ends by itself when the relay dies.
create table messaging_relay_claim (
    client_id uuid primary key,
    token uuid not null,
    expires_at timestamptz not null
);

-- How far each subscriber of this service has come, and which replica may move on.
create table messaging_cursor (
    subscriber text not null,
    shard integer not null check (shard >= 0),
    -- Everything up to here has taken effect.
    position bigint not null default 0 check (position >= 0),
    -- Grows with each change of owner: a stalled owner's epoch no longer fits.
    epoch bigint not null default 0,
    owner uuid,
    lease_expires_at timestamptz,
    primary key (subscriber, shard)
);

-- The replicas that are alive, so that they share the shards evenly.
create table messaging_replica (
    subscriber text not null,
    owner uuid not null,
    expires_at timestamptz not null,
    primary key (subscriber, owner)
);

-- What could not take effect and was passed over, for people to look at: messages that the log
-- refused (direction 'out') and events that a subscriber could not apply (direction 'in').
create table messaging_dead_letter (
    id bigint generated always as identity primary key,
    direction text not null check (direction in ('in', 'out')),
    -- The subscriber; null for messages out.
    subscriber text,
    shard integer,
    position bigint,
    client_id uuid not null,
    message_id text not null,
    type text,
    reason text not null,
    body bytea not null,
    recorded_at timestamptz not null default now(),
    check (direction = 'out' or (subscriber is not null and shard is not null
        and position is not null)),
    unique (subscriber, shard, position)
);

create index messaging_dead_letter_by_message on messaging_dead_letter (message_id);
