-- Every decision with what it was made from, so that it can be explained and reproduced.

create table eligibility_decision (
    decision_id uuid primary key,
    client_id uuid not null,
    campaign_id uuid not null,
    campaign_revision integer not null,
    participant_id uuid not null,
    subject text not null,
    eligible boolean not null,
    -- Each check in order: code, passed, detail, conditions.
    checks jsonb not null,
    -- What was known: the event, the participant, the campaign's standing.
    inputs jsonb not null,
    -- One decision per asking step, however often the step is tried.
    request_key text not null check (length(request_key) between 1 and 255),
    decided_at timestamptz not null,
    constraint eligibility_decision_once unique (client_id, request_key)
);
create index eligibility_decision_by_participant
    on eligibility_decision (client_id, participant_id, decision_id);
