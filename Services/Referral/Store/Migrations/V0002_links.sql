-- Links, and what happens to them before anybody is known: shares and clicks.

create table referral_link (
    link_id uuid primary key,
    client_id uuid not null,
    campaign_id uuid not null,
    -- Whose link it is.
    participant_id uuid not null,
    -- Unique in the whole installation: the address of a link names no client.
    code text not null check (code ~ '^[2-9B-DF-HJ-KM-NP-TV-Z]{8}$'),
    issued_at timestamptz not null,
    constraint referral_link_once unique (client_id, campaign_id, participant_id),
    constraint referral_link_code unique (code)
);
create index referral_link_newest on referral_link (client_id, link_id);
create index referral_link_of_participant on referral_link (client_id, participant_id, link_id);

create table referral_share (
    client_id uuid not null,
    -- The event that told of it, once however often it is delivered.
    event_id text not null,
    link_id uuid not null references referral_link,
    -- Who shared it, when known; need not be the link's owner.
    participant_id uuid,
    channel text check (length(channel) between 1 and 50),
    shared_at timestamptz not null,
    primary key (client_id, event_id)
);
create index referral_share_of_link on referral_share (client_id, link_id);

create table referral_click (
    client_id uuid not null,
    click_id uuid not null,
    link_id uuid not null references referral_link,
    -- By the client's business clock.
    clicked_at timestamptz not null,
    -- Hashes under a key, never the address or the browser's description themselves.
    user_agent_hash bytea not null check (length(user_agent_hash) = 32),
    address_hash bytea not null check (length(address_hash) = 32),
    destination text not null,
    primary key (client_id, click_id)
);
create index referral_click_of_link on referral_click (client_id, link_id, click_id);
-- For the purge.
create index referral_click_oldest on referral_click (clicked_at);
