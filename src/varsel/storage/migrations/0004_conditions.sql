-- Orders that carry a send condition wait apart from the others, so that slow end points hold up nobody else.

ALTER TABLE orders
    ADD COLUMN condition_asked smallint NOT NULL DEFAULT 0,  -- inconclusive answers in a row
    -- Whose work an order is (storage.orders.Queue); written by the database, so that code before this one may insert.
    ADD COLUMN queue smallint NOT NULL GENERATED ALWAYS AS (
        CASE WHEN condition_endpoint IS NOT NULL THEN 2 WHEN part_count > 1 THEN 1 ELSE 0 END
    ) STORED;

DROP INDEX orders_due;
CREATE INDEX orders_due ON orders (queue, due) WHERE due IS NOT NULL;
