-- Messages to people: rendered when they were asked for, sent by whoever leases them.

create table notification (
    client_id uuid not null,
    notification_id uuid not null,
    -- One message per key, and what it was asked with.
    request_key text not null,
    fingerprint bytea not null,
    campaign_id uuid,
    run_id uuid,
    participant_id uuid not null,
    channel text not null check (channel in ('email')),
    template_key text not null,
    -- 0 is the built-in template; null when there was none.
    template_version integer,
    status text not null check (status in ('queued', 'sending', 'sent', 'failed', 'refused')),
    -- Why it was refused, failed, or waits for another attempt.
    reason text,
    -- People's data: emptied when the retention is over.
    address text,
    address_hash bytea,
    subject text,
    text_body text,
    html_body text,
    traceparent text,
    -- Begun attempts; the number of the last one fences what is recorded.
    attempts integer not null default 0,
    -- Attempts of which nobody knows whether the server took the message.
    unknown_attempts integer not null default 0,
    -- Whether its place in the client's sending rate is taken.
    has_slot boolean not null default false,
    due_at timestamptz not null,
    lease_until timestamptz,
    created_at timestamptz not null,
    finished_at timestamptz,
    primary key (client_id, notification_id),
    unique (client_id, request_key),
    check ((status = 'sending') = (lease_until is not null)),
    check (status not in ('queued', 'sending') or address is not null)
);
create index notification_due on notification (due_at) where status = 'queued';
create index notification_leased on notification (lease_until) where status = 'sending';
create index notification_of_participant
    on notification (client_id, participant_id, notification_id);
create index notification_of_campaign on notification (client_id, campaign_id, notification_id);
create index notification_old on notification (finished_at)
    where status in ('sent', 'failed', 'refused') and text_body is not null;

-- Written before the outside call, so that no attempt goes unseen.
create table notification_attempt (
    client_id uuid not null,
    notification_id uuid not null,
    attempt integer not null,
    status text not null check (status in ('sending', 'accepted', 'rejected', 'not_sent', 'unknown')),
    -- The server's code, or a word for what happened.
    code text,
    started_at timestamptz not null,
    finished_at timestamptz,
    primary key (client_id, notification_id, attempt),
    foreign key (client_id, notification_id) references notification (client_id, notification_id)
);

-- When the next message of a client may go: the theoretical arrival time of the generic cell rate
-- algorithm.
create table sending_rate (
    client_id uuid primary key,
    arrival timestamptz not null
);

-- Addresses that get no more mail from a client, by their keyed hash.
create table suppression (
    client_id uuid not null,
    address_hash bytea not null check (length(address_hash) = 32),
    reason text not null check (reason in ('bounce', 'complaint', 'unsubscribe', 'manual')),
    created_by text not null,
    created_at timestamptz not null,
    primary key (client_id, address_hash)
);
