-- name: look
-- What the clock says, and what tells one history of the data from another: a restart, a failover to another server, a
-- restored or emptied table. Reads no table of ours.
SELECT clock_timestamp() AS now,
       concat_ws(
           ' ',
           extract(epoch FROM pg_postmaster_start_time()),
           (SELECT oid FROM pg_database WHERE datname = current_database()),
           to_regclass('chains')::oid,
           pg_relation_filenode(to_regclass('chains'))
       ) AS history
