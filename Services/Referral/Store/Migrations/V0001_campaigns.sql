-- What referral-service has been told of clients and campaigns, by message and in the log's order:
-- where links lead, how long a touch counts, and whether a campaign is running. A run stays on the
-- revision it started with, so older revisions are kept.

-- A client without a row is active and lives by the system clock.
create table client_settings (
    client_id uuid primary key,
    status text not null check (status in ('active', 'suspended', 'closed')),
    business_clock_offset_milliseconds bigint not null check (
        business_clock_offset_milliseconds >= 0)
);

create table campaign (
    client_id uuid not null,
    campaign_id uuid not null,
    revision integer not null check (revision > 0),
    status text not null check (status in (
        'draft', 'in_review', 'active', 'paused', 'completed', 'expired', 'closed')),
    -- When the change happened that the row tells of: with the revision it orders messages.
    changed_at timestamptz not null,
    primary key (client_id, campaign_id)
) with (fillfactor = 70);

create table campaign_revision (
    client_id uuid not null,
    campaign_id uuid not null,
    revision integer not null,
    definition jsonb not null,
    primary key (client_id, campaign_id, revision)
);
