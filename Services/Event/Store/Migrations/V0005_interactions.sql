-- What was done by whom, by a 16-byte hash of (client, product, person, type, key): until then a
-- repeat does not count. In the transaction of the append, like the events' ids.

create table event_interaction (
    client_id uuid not null,
    identity uuid not null,
    repeats_until timestamptz not null,
    -- The event that counted.
    shard integer not null,
    position bigint not null,
    primary key (client_id, identity)
);
create index event_interaction_by_end on event_interaction (repeats_until);
