-- Which events active campaigns of a shard wait for, to ask the log for no others.

create index campaign_definition_active on campaign_definition (shard) where status = 'active';
