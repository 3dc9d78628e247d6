-- Which generations hold ids of a shard's events. An append looks for repeats only there: asking
-- the fifteen tables of days that were not or are still to come took longer than all else it did.
-- Kept by the append itself, under the lock of the shard's row, so it never lags behind.
alter table log_shard add column generations integer[] not null default '{}';

-- What is there already may hold ids, and so may what replicas of before write until they are gone.
update log_shard
set generations = array(
    select replace(relname::text, 'event_identity_g', '')::integer
    from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'event_identity'::regclass
    order by 1);
