-- What members see of the runs. A row is written in the transaction that starts a run and changed
-- in the one that ends or reopens it; how it runs is in the engine's own tables.

create table campaign_run (
    client_id uuid not null,
    run_id uuid not null,
    campaign_id uuid not null,
    -- The revision that the run stays on, whatever becomes of the campaign.
    revision integer not null,
    pulse text not null,
    -- What was achieved; a campaign has one run per subject.
    subject text not null,
    participant_id uuid not null,
    -- The event that started it, by its sender's id and its place in the log.
    event_id text not null,
    shard integer not null,
    position bigint not null,
    status text not null check (status in (
        'running', 'completed', 'failed', 'attention', 'cancelled')),
    -- How it ended: a slug, or the failure's code.
    outcome text,
    detail text,
    reward_ids uuid[] not null default '{}',
    -- What became of each reward rule, as JSON.
    rules jsonb not null default '[]',
    started_at timestamptz not null,
    finished_at timestamptz,
    primary key (client_id, run_id),
    constraint campaign_run_once unique (client_id, campaign_id, subject),
    check ((status = 'running') = (finished_at is null))
);

create index campaign_run_by_campaign on campaign_run (client_id, campaign_id, run_id);
create index campaign_run_by_subject on campaign_run (client_id, subject, run_id);
create index campaign_run_trouble on campaign_run (client_id, status, run_id)
    where status <> 'completed';
