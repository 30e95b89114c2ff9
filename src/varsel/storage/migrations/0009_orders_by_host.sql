-- varsel: no transaction
-- `due` is spelled so that a statement that spells it the same way can be run over this index and over no other one.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_condition_host
ON orders (condition_host(condition_endpoint), coalesce(due, 'infinity'))
WHERE condition_endpoint IS NOT NULL AND coalesce(due, 'infinity') < 'infinity';
