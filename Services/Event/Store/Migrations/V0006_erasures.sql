-- Orders to forget a person. Whose order it is stands here only until it is done.

create table erasure (
    client_id uuid not null,
    erasure_id uuid not null,
    status text not null check (status in ('running', 'done')),
    external_id text,
    anonymous_ids text[] not null,
    shard integer not null,
    -- The log's end when it was ordered: what comes later is new.
    up_to_position bigint not null,
    -- How far this pass has rewritten the log, and whether it found ids that ask for another.
    passed_position bigint not null default 0,
    found_more boolean not null default false,
    events_erased bigint not null default 0,
    requested_at timestamptz not null,
    finished_at timestamptz,
    primary key (client_id, erasure_id)
);
create index erasure_running on erasure (requested_at) where status = 'running';
