-- Hours of clients whose numbers may lack something: events of theirs went to ClickHouse by an attempt
-- whose outcome nobody knows, and a view may have been fed with half of them. They are provisional
-- until they are counted again from the events themselves.

create table dirty_hour (
    client_id uuid not null,
    hour timestamptz not null,
    -- Grows with every mark: an hour that is marked while it is counted stays.
    mark bigint not null default 1,
    primary key (client_id, hour)
);
