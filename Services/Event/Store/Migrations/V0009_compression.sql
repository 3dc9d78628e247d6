-- Bodies are JSON that repeats itself. LZ4 takes a fraction of the time that writing what it saves
-- would (twice: the log of the database, then the table); pglz, which V0001 had in mind, does not.
alter table log_segment
    alter column body set compression lz4,
    alter column body set storage extended;
