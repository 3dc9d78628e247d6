-- Durable runs. No row of these tables is updated in place but a worker's lease, a failing step's
-- counters and, when a client moves its business clock, the clock's offset: where a run stands is
-- told by the table that holds it (ready, active, timer, outcome), so the large tables only grow
-- and the hot ones stay tiny.

-- One row per living process. The epoch is never reused; every write of a process locks its own
-- row FOR KEY SHARE, a take-over deletes it, so a process that lost its lease cannot write.
create table durable_worker (
    epoch bigint generated always as identity primary key,
    name text not null,
    lease_expires_at timestamptz not null
) with (fillfactor = 50);

-- What was asked for. A client of zeros means the platform itself.
create table durable_run (
    run_id uuid primary key,
    client_id uuid not null,
    workflow text not null,
    version integer not null,
    key text not null,
    input bytea not null,
    -- How far the client's business clock is ahead of the system clock.
    clock_offset_microseconds bigint not null,
    traceparent text not null,
    started_at timestamptz not null,
    -- What the business clock showed at the start; stays when the clock is moved.
    business_started_at timestamptz not null,
    constraint durable_run_key unique (client_id, workflow, key)
);

create index durable_run_client on durable_run (client_id, run_id);

-- Waiting for a worker, oldest run first.
create table durable_ready (
    run_id uuid primary key,
    workflow text not null,
    version integer not null,
    -- How often the run was claimed; with the epoch it tells one ownership from the next.
    execution integer not null,
    -- How often its worker died under it.
    crashes integer not null
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);

-- In the memory of a worker.
create table durable_active (
    run_id uuid primary key,
    epoch bigint not null,
    workflow text not null,
    version integer not null,
    execution integer not null,
    crashes integer not null
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);

create index durable_active_epoch on durable_active (epoch);

-- Asleep, out of memory. due_at is on the system clock, computed with this offset of the business
-- clock, so that it can follow when a client moves its clock.
create table durable_timer (
    run_id uuid primary key,
    client_id uuid not null,
    due_at timestamptz not null,
    clock_offset_microseconds bigint not null,
    workflow text not null,
    version integer not null,
    execution integer not null,
    crashes integer not null
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);

create index durable_timer_due on durable_timer (due_at);
create index durable_timer_client on durable_timer (client_id);

-- What each named step came to: a result, or a failure that is final.
create table durable_step (
    run_id uuid not null,
    name text not null,
    -- Kind and type of the result; a replay that asks for another one is stopped.
    type text not null,
    result bytea not null,
    failure_code text,
    failure_detail text,
    recorded_at timestamptz not null,
    primary key (run_id, name)
);

-- Steps that failed and will be tried again; one row per step.
create table durable_attempt (
    run_id uuid not null,
    name text not null,
    failures integer not null,
    first_failed_at timestamptz not null,
    next_attempt_at timestamptz not null,
    code text not null,
    detail text not null,
    primary key (run_id, name)
);

-- How a run ended.
create table durable_outcome (
    run_id uuid primary key,
    state text not null check (state in ('completed', 'failed', 'attention', 'cancelled')),
    output bytea not null,
    failure_code text,
    failure_detail text,
    finished_at timestamptz not null
);

create index durable_outcome_trouble on durable_outcome (state, run_id) where state <> 'completed';
