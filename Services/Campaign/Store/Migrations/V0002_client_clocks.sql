-- How far ahead of the system clock each client's business clock runs, as client-service tells it.
-- Only test clients have a row that is not zero; without a row it is zero.

create table client_clock (
    client_id uuid primary key,
    offset_milliseconds bigint not null check (offset_milliseconds >= 0)
);
