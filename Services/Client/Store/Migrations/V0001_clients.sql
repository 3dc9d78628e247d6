-- Tenants and the keys of their servers and pages.

create table client (
    client_id uuid primary key,
    name text not null check (length(name) between 1 and 200),
    mode text not null check (mode in ('live', 'test')),
    status text not null check (status in ('active', 'suspended', 'closed')),
    -- How far ahead of the system clock the client lives; moves forward only, in test mode only.
    business_clock_offset_milliseconds bigint not null default 0
        check (business_clock_offset_milliseconds >= 0),
    -- Counts every change, from 1; names the message that tells of it.
    version integer not null check (version > 0),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check (mode = 'test' or business_clock_offset_milliseconds = 0)
);

create table api_key (
    client_id uuid not null references client (client_id),
    key_id uuid not null,
    kind text not null check (kind in ('publishable', 'secret')),
    name text not null check (length(name) between 1 and 100),
    -- SHA-256 of the whole key; the key itself is kept nowhere.
    key_hash bytea not null check (octet_length(key_hash) = 32),
    -- The last four characters, so that people can tell their keys apart.
    hint text not null,
    origins text[] not null,
    scopes text[] not null,
    created_by text not null,
    created_at timestamptz not null,
    revoked_at timestamptz,
    primary key (client_id, key_id)
);

-- The one lookup that cannot begin with the client: the hash is what tells whose key it is.
create unique index api_key_by_hash on api_key (key_hash);
