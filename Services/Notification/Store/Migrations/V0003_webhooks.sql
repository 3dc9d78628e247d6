-- Webhooks out: where clients want to be told, and each telling.

create table webhook (
    client_id uuid not null,
    webhook_id uuid not null,
    url text not null,
    types text[] not null,
    status text not null check (status in ('enabled', 'disabled')),
    -- Why it was disabled by itself.
    reason text,
    -- Sealed with the service's key, bound to the webhook's id.
    secret bytea not null,
    -- Signs too until then, so that receivers can change over.
    previous_secret bytea,
    previous_until timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (client_id, webhook_id)
);

create table webhook_delivery (
    client_id uuid not null,
    delivery_id uuid not null,
    webhook_id uuid not null,
    -- The event in the log. One delivery per webhook, however often the event is taken.
    event_id text not null,
    type text not null,
    -- The bytes that are signed and sent, the same every time.
    body bytea not null,
    traceparent text,
    status text not null check (status in ('pending', 'sending', 'delivered', 'failed')),
    attempts integer not null default 0,
    -- Attempts of the present round: a replay begins the schedule anew.
    round_attempts integer not null default 0,
    unknown_attempts integer not null default 0,
    due_at timestamptz not null,
    lease_until timestamptz,
    last_code text,
    created_at timestamptz not null,
    finished_at timestamptz,
    primary key (client_id, delivery_id),
    unique (client_id, webhook_id, event_id),
    foreign key (client_id, webhook_id) references webhook (client_id, webhook_id)
        on delete cascade,
    check ((status = 'sending') = (lease_until is not null))
);
create index webhook_delivery_due on webhook_delivery (due_at) where status = 'pending';
create index webhook_delivery_leased on webhook_delivery (lease_until) where status = 'sending';
create index webhook_delivery_of_webhook
    on webhook_delivery (client_id, webhook_id, delivery_id);
create index webhook_delivery_old on webhook_delivery (finished_at)
    where status in ('delivered', 'failed');

create table webhook_attempt (
    client_id uuid not null,
    delivery_id uuid not null,
    attempt integer not null,
    status text not null check (status in ('sending', 'delivered', 'failed', 'unknown')),
    -- The receiver's status, or a word for what happened.
    code text,
    started_at timestamptz not null,
    finished_at timestamptz,
    primary key (client_id, delivery_id, attempt),
    foreign key (client_id, delivery_id) references webhook_delivery (client_id, delivery_id)
        on delete cascade
);
