-- Both sides of a campaign: who brought the participant, their own link, and what was written to
-- whom, each as JSON for the members' view.

alter table campaign_run
    add column conversion jsonb,
    add column link jsonb,
    add column notifications jsonb not null default '[]';

-- Pulses count for themselves: the engine's key is one of a pulse too.
alter table campaign_run drop constraint campaign_run_once;
alter table campaign_run add constraint campaign_run_once
    unique (client_id, campaign_id, subject, pulse);
