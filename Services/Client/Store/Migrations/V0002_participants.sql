-- End users, as built from the events of the log, each event once and in the order of its shard.

create table participant (
    client_id uuid not null,
    -- Derived from the client and the external id, so that every service computes it alone.
    participant_id uuid not null,
    external_id text not null,
    traits jsonb not null,
    -- Only what was told with the trust of a signed user or more.
    trusted_traits jsonb not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    signed_up_at timestamptz,
    -- The position in the client's shard up to which traits are merged.
    position bigint not null,
    primary key (client_id, participant_id)
-- Room in each page for the next version of a row: last_seen_at changes with every event.
) with (fillfactor = 80);
