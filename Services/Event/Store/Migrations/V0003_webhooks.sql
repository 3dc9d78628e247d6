-- Webhooks in: where other people's webhooks arrive, and what became of those that are no event.

create table webhook_source (
    client_id uuid not null,
    source_id uuid not null,
    kind text not null check (kind in ('shopify', 'stripe', 'custom')),
    name text not null check (length(name) between 1 and 200),
    status text not null check (status in ('enabled', 'disabled')),
    -- Of the client: a live one does not take what a shop tries out.
    mode text not null check (mode in ('live', 'test')),
    settings jsonb not null,
    -- Sealed with the service's key, bound to the source's id.
    secret bytea not null,
    -- Counts too until then, because senders go on with it for a while.
    previous_secret bytea,
    previous_until timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (client_id, source_id),
    -- The address of a source names no client.
    constraint webhook_source_address unique (source_id)
);

-- What was accepted and came to nothing, a row for each topic and reason: a trace that stays small.
create table webhook_note (
    client_id uuid not null,
    source_id uuid not null,
    topic text not null check (length(topic) <= 100),
    reason text not null,
    -- Of the last one: what did not fit, and where.
    detail text not null,
    count bigint not null default 1,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (client_id, source_id, topic, reason),
    foreign key (client_id, source_id) references webhook_source (client_id, source_id)
        on delete cascade
);

-- Whether a client may use the platform. A webhook carries no key that would say so.
create table webhook_client (
    client_id uuid primary key,
    status text not null check (status in ('active', 'suspended', 'closed')),
    told_at timestamptz not null
);
