-- Templates of a client. A version is written once and never changed; publishing chooses one, and
-- going back is publishing an older one.

create table template (
    client_id uuid not null,
    template_key text not null check (template_key ~ '^[a-z0-9_]{1,50}$'),
    latest_version integer not null check (latest_version > 0),
    published_version integer,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (client_id, template_key)
);

create table template_version (
    client_id uuid not null,
    template_key text not null,
    version integer not null check (version > 0),
    subject text not null,
    text_body text not null,
    html_body text,
    author text not null,
    created_at timestamptz not null,
    primary key (client_id, template_key, version),
    foreign key (client_id, template_key) references template (client_id, template_key)
);

alter table template add foreign key (client_id, template_key, published_version)
    references template_version (client_id, template_key, version);

-- Who published what, when.
create table template_publication (
    client_id uuid not null,
    template_key text not null,
    sequence integer not null,
    version integer not null,
    actor text not null,
    at timestamptz not null,
    primary key (client_id, template_key, sequence)
);

create function template_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'versions of templates are never changed or deleted' using errcode = 'GV003';
end $$;

create trigger template_version_immutable before update or delete on template_version
    for each row execute function template_refuse_change();
