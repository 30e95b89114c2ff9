-- varsel: no transaction
-- Orders with a send condition are claimed creator by creator, and of each creator host by host. `due` is spelled so that
-- a statement that spells it the same way can be run over this index and over no other one.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_creator_and_condition_host
ON orders (hashtextextended(creator, 0), condition_host(condition_endpoint), coalesce(due, '-infinity'))
WHERE condition_endpoint IS NOT NULL AND coalesce(due, '-infinity') > '-infinity';
