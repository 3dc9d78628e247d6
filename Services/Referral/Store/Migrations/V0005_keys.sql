-- Decisions are looked up by their key and conversions by their subject with every check, and that
-- is planned while the tables are young: without statistics all indexes that begin with the client
-- look alike to the planner, and one that finds the client's every row is as likely as the right
-- one. A key that begins with the selective column can serve nothing else, and is made last, which
-- decides a tie.
alter table conversion_decision
    drop constraint conversion_decision_once,
    add constraint conversion_decision_once unique (request_key, client_id);

alter table referral_conversion
    drop constraint referral_conversion_once,
    add constraint referral_conversion_once unique (subject, client_id, campaign_id, kind);
