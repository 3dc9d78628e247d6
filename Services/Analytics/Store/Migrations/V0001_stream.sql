-- Batches of the log on their way to ClickHouse. A batch is cut once, by its positions, and committed
-- here before anything is sent: after a crash the same positions are read again, and ClickHouse is
-- asked by the batch's id whether it has them. How far each shard is stands in messaging_cursor.

create table stream_batch (
    batch_id uuid primary key,
    shard integer not null check (shard >= 0),
    first_position bigint not null check (first_position > 0),
    last_position bigint not null,
    -- Events between the two positions, both included.
    row_count integer not null check (row_count > 0),
    -- Of all events of the batch, as they were when it was cut.
    body_hash bytea not null,
    cut_at timestamptz not null,
    -- When ClickHouse was known to hold it; null while it is on its way.
    done_at timestamptz,
    -- Events that the log had forgotten before they could be sent.
    lost_rows integer not null default 0 check (lost_rows between 0 and row_count),
    check (last_position >= first_position),
    unique (shard, first_position)
);

-- One batch of a shard at a time.
create unique index stream_batch_open on stream_batch (shard) where done_at is null;
create index stream_batch_done on stream_batch (done_at) where done_at is not null;
