-- Secrets by which a client's events are believed: of a key whose bodies are signed, or of user tokens.

create table event_secret (
    client_id uuid not null,
    -- The key's id, or the client's own for user tokens.
    scope_id uuid not null,
    scope text not null,
    -- Sealed with the service's key, bound to scope_id.
    secret bytea not null,
    -- Counts too until then, because senders go on with it for a while.
    previous_secret bytea,
    previous_until timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (client_id, scope_id)
);
