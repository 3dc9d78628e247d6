-- A reward that a person rejected is a refused attempt like any other: recorded with the decision
-- that it rested on, so that the same attempt, repeated, stays refused.

-- A reward may have no run; then its refusal has none.
alter table reward_refusal alter column run_id drop not null;

insert into reward_refusal (
    refusal_id, client_id, campaign_id, rule_id, participant_id, role, subject, decision_id,
    run_id, reason, created_at)
select gen_random_uuid(), client_id, campaign_id, rule_id, participant_id, role, subject,
    decision_id, run_id, 'rejected', status_at
from reward where status = 'rejected'
on conflict on constraint reward_refusal_once do nothing;
