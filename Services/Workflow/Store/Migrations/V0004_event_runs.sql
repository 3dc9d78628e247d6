-- Which runs an event started, by its place in the log, for whoever looks at the event.

create index campaign_run_by_event on campaign_run (client_id, shard, position);
