-- Who did what to which client, written in the transaction of the deed and never changed.

create table audit_entry (
    -- For reading newest first; gaps and small disorder are harmless there.
    sequence bigint generated always as identity primary key,
    client_id uuid not null,
    actor text not null check (length(actor) between 1 and 300),
    action text not null,
    target text not null,
    detail text not null,
    at timestamptz not null
);
create index audit_entry_by_client on audit_entry (client_id, sequence);

create function audit_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'audit entries are never changed or deleted' using errcode = 'GV003';
end $$;

create trigger audit_entry_immutable before update or delete or truncate on audit_entry
    for each statement execute function audit_refuse_change();
