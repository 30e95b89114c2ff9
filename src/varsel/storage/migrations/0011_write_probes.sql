-- One row that readiness checks rewrite: only a commit shows that the database takes writes.
CREATE TABLE write_probes (
    name text PRIMARY KEY,
    written timestamptz NOT NULL
) WITH (fillfactor = 20);
