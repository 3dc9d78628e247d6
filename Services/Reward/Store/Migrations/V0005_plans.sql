-- Plans are kept for as long as a connection lives, and the first ones are made while the tables
-- are empty: reading all of a table looks cheap then, and is ruinous an hour later, before
-- statistics tell better. What a trigger needs is always a few rows by their key.

alter function ledger_apply_transfers() set enable_seqscan = off;
alter function ledger_apply_transfers() set enable_hashjoin = off;
alter function ledger_apply_transfers() set enable_mergejoin = off;
