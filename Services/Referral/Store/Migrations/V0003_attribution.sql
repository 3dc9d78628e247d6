-- Who followed whose link, and who brought whom. First touch wins; the database decides by key.

-- The first touch of a visitor who is not known yet.
create table referral_visitor_touch (
    client_id uuid not null,
    anonymous_id text not null,
    link_id uuid not null references referral_link,
    click_id uuid,
    touched_at timestamptz not null,
    trust text not null,
    event_id text not null,
    primary key (client_id, anonymous_id)
);

-- The first touch of a person that counts, or as long as there is none the first that does not,
-- with the reason.
create table referral_touch (
    client_id uuid not null,
    participant_id uuid not null,
    link_id uuid not null references referral_link,
    click_id uuid,
    touched_at timestamptz not null,
    trust text not null,
    event_id text not null,
    refusal text check (refusal in ('self_referral', 'circular')),
    primary key (client_id, participant_id)
);

-- Who was seen in which browser. A browser of more people than the service cares for has just one
-- row more than that, so that the table cannot be filled through one id.
create table referral_visitor (
    client_id uuid not null,
    anonymous_id text not null,
    participant_id uuid not null,
    primary key (client_id, anonymous_id, participant_id)
);
create index referral_visitor_of_person on referral_visitor (client_id, participant_id);

-- Hashes under a key of the mailboxes that a person has called theirs; at most five.
create table referral_email (
    client_id uuid not null,
    participant_id uuid not null,
    email_hash bytea not null check (length(email_hash) = 32),
    primary key (client_id, participant_id, email_hash)
);

create table referral_attribution (
    client_id uuid not null,
    referee_id uuid not null,
    attribution_id uuid not null,
    referrer_id uuid not null,
    link_id uuid not null references referral_link,
    click_id uuid,
    touched_at timestamptz not null,
    attributed_at timestamptz not null,
    trust text not null,
    -- The event that made the person known.
    event_id text not null,
    primary key (client_id, referee_id),
    constraint referral_attribution_not_self check (referee_id <> referrer_id)
);
create unique index referral_attribution_newest
    on referral_attribution (client_id, attribution_id);
create index referral_attribution_of_referrer
    on referral_attribution (client_id, referrer_id, attribution_id);
