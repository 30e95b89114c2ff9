-- That an endpoint could not be asked says nothing of its condition: counted apart from answers, to bound the waiting.

ALTER TABLE orders
    ADD COLUMN condition_unasked smallint NOT NULL DEFAULT 0;  -- how often the endpoint could not be asked
