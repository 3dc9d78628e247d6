-- The look-up of a message by its key comes with every repeat, and is planned while the table is
-- young: without statistics all indexes that begin with the client look alike to the planner, and
-- one that finds the client's every message is as likely as the right one. A key that begins with
-- the selective column can serve nothing else, and is made last, which decides a tie.
alter table notification
    drop constraint notification_client_id_request_key_key,
    add constraint notification_request_key unique (request_key, client_id);
