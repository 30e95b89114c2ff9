-- When the next message may go to a provider whose rate is set: one small row for all processes, moved on once for
-- each window of messages.
CREATE TABLE provider_rates (
    provider   text        PRIMARY KEY,
    next_free  timestamptz NOT NULL
) WITH (fillfactor = 10);
