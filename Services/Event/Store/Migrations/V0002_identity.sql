-- Which events were seen, by a 16-byte hash of (client, event id), in generations of one day: the
-- newest takes the inserts and stays small, older ones are only probed, whole ones are dropped, so
-- that the cost of an insert does not grow with the number of events.

create table event_identity (
    identity uuid not null,
    -- Days since 1970-01-01 (UTC) when the event was first taken.
    generation integer not null,
    -- Of what the sender said; the same id with another body is a conflict.
    body_hash uuid not null,
    shard integer not null,
    position bigint not null,
    primary key (identity, generation)
) partition by range (generation);
