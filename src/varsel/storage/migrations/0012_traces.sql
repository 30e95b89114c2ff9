-- The trace of the request that placed an order, so that the log lines of its processing can name it.
ALTER TABLE orders ADD COLUMN trace_id uuid;
