-- The log (DESIGN §3). Positions of a shard are gapless and in commit order, because every append
-- locks the shard's row and moves its head in the same transaction: no reader can skip a late commit.

create table log_shard (
    shard integer primary key check (shard >= 0),
    -- The last position that is taken; 0 when the shard is empty.
    head bigint not null default 0 check (head >= 0)
) with (fillfactor = 50);

-- How many there are never changes: a client's shard is computed from it (ShardMap).
insert into log_shard (shard) select generate_series(0, 7);

-- A segment holds many events as one opaque value with a small index before it, so that the feed
-- filters without parsing.
create table log_segment (
    shard integer not null,
    first_position bigint not null check (first_position > 0),
    last_position bigint not null check (last_position >= first_position),
    -- See SegmentHeader: offset, length, type, client and campaign of each event.
    header bytea not null,
    body bytea not null,
    created_at timestamptz not null,
    primary key (shard, last_position)
);
-- Bodies are JSON that compresses well, but time matters more than space on the way in and the
-- log is short-lived: no compression, out of line.
alter table log_segment alter column body set storage external;
create index log_segment_by_age on log_segment (created_at);

-- How far each subscriber has told that everything took effect. Retention waits for it.
create table log_subscriber (
    subscriber text not null check (length(subscriber) between 1 and 100),
    shard integer not null,
    acknowledged bigint not null check (acknowledged >= 0),
    updated_at timestamptz not null,
    primary key (subscriber, shard)
) with (fillfactor = 50);
