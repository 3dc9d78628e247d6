-- What clients say of the types of their events.

create table event_type (
    client_id uuid not null,
    name text not null check (length(name) between 1 and 100),
    description text not null,
    -- The part of JSON Schema that the service knows, of the event's properties.
    schema jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (client_id, name)
);

create table event_setting (
    client_id uuid primary key,
    unknown_event_types text not null check (unknown_event_types in ('accept', 'refuse')),
    updated_at timestamptz not null
);
