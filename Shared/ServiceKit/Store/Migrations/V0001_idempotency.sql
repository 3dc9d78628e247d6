-- First answers of requests that carry an idempotency key, kept for 48 hours.
-- The row is written in the transaction of the effect, so one never exists without the other.
create table idempotency_key (
    client_id uuid not null,
    -- The method and path that were called: one key may serve different calls.
    route text not null,
    key text not null check (length(key) between 1 and 255),
    -- SHA-256 of the request; another payload under the same key is refused.
    fingerprint bytea not null check (octet_length(fingerprint) = 32),
    status smallint not null,
    -- Names and values in turn.
    headers text[] not null,
    body bytea not null,
    created_at timestamptz not null,
    primary key (client_id, route, key)
);

-- For the purge.
create index idempotency_key_created_at on idempotency_key (created_at);
