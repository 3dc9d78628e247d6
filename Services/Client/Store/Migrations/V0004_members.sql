-- People who act for a client, and where they are signed in.

create table member (
    client_id uuid not null references client (client_id),
    member_id uuid not null,
    -- Lower case. The same person may be a member of several clients, each time as another member.
    email text not null check (length(email) between 3 and 254),
    name text not null check (length(name) between 1 and 200),
    role text not null check (role in ('owner')),
    -- scrypt, with its parameters and salt.
    password_hash text not null,
    created_by text not null,
    created_at timestamptz not null,
    removed_at timestamptz,
    primary key (client_id, member_id)
);

create unique index member_by_email on member (client_id, email) where removed_at is null;
-- For signing in without naming the client.
create index member_to_sign_in on member (email) where removed_at is null;

create table member_session (
    client_id uuid not null,
    session_id uuid not null,
    member_id uuid not null,
    created_at timestamptz not null,
    -- The end, however often the session is refreshed.
    expires_at timestamptz not null,
    ended_at timestamptz,
    end_reason text check (end_reason in ('signed_out', 'reused', 'removed', 'superseded')),
    primary key (client_id, session_id),
    foreign key (client_id, member_id) references member (client_id, member_id),
    check ((ended_at is null) = (end_reason is null))
);

-- The one lookup that cannot begin with the client: the id is what tells whose session it is.
create unique index member_session_by_id on member_session (session_id);
create index member_session_of_member on member_session (client_id, member_id, created_at);
create index member_session_to_purge on member_session (expires_at);

-- Every refresh token that a session ever had: a used one that comes back was copied.
create table refresh_token (
    -- SHA-256 of the whole token; the token itself is kept nowhere.
    token_hash bytea primary key check (octet_length(token_hash) = 32),
    client_id uuid not null,
    session_id uuid not null,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    foreign key (client_id, session_id)
        references member_session (client_id, session_id) on delete cascade
);

create index refresh_token_of_session on refresh_token (client_id, session_id);
