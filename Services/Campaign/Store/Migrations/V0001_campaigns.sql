-- Campaigns as they stand, and every revision that ever was: a running workflow stays on the
-- revision it started with, so revisions are never changed or deleted.

create table campaign (
    client_id uuid not null,
    campaign_id uuid not null,
    status text not null check (status in (
        'draft', 'in_review', 'active', 'paused', 'completed', 'expired', 'closed')),
    revision integer not null check (revision > 0),
    name text not null check (length(name) between 1 and 200),
    pulse text not null,
    -- In the client's business time; null means open on that side.
    starts_at timestamptz,
    ends_at timestamptz,
    activated_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (client_id, campaign_id)
);
-- What the clock can end.
create index campaign_ending on campaign (ends_at) where status in ('active', 'paused');
create index campaign_by_status on campaign (client_id, status, campaign_id);

create table campaign_revision (
    client_id uuid not null,
    campaign_id uuid not null,
    revision integer not null,
    -- A CampaignDefinition without its status, which belongs to the campaign.
    definition jsonb not null,
    author text not null,
    created_at timestamptz not null,
    primary key (client_id, campaign_id, revision),
    foreign key (client_id, campaign_id) references campaign (client_id, campaign_id)
);

create function campaign_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'campaign revisions are never changed or deleted' using errcode = 'GV003';
end $$;

create trigger campaign_revision_immutable before update or delete on campaign_revision
    for each row execute function campaign_refuse_change();

-- Who moved a campaign where, and why.
create table campaign_history (
    client_id uuid not null,
    campaign_id uuid not null,
    sequence integer not null,
    from_status text,
    to_status text not null,
    revision integer not null,
    actor text not null,
    at timestamptz not null,
    primary key (client_id, campaign_id, sequence)
);
