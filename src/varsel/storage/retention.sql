-- Sets to be removed are gathered first, as an array: joined, they may be gone through for every row of the table.

-- name: ended_orders
-- Orders that ended before `ended_before`. Ids sort by creation, so `lowest_id` (the lowest id of that instant) keeps the scan to the old.
SELECT id FROM orders
WHERE id < :lowest_id AND last_update < :ended_before AND status = ANY(:ended::smallint[])
ORDER BY id
LIMIT :limit

-- name: remove_notifications
DELETE FROM notifications
WHERE id = ANY (ARRAY(SELECT id FROM notifications WHERE order_id = ANY(:order_ids::uuid[]) LIMIT :limit))

-- name: remove_parts
DELETE FROM order_parts
WHERE ctid = ANY (ARRAY(SELECT ctid FROM order_parts WHERE order_id = ANY(:order_ids::uuid[]) LIMIT :limit))

-- name: remove_log
-- By age alone, whatever became of the orders. `lowest_id` (the lowest id of the instant `ended_before`) keeps the scan to the old.
DELETE FROM notification_log
WHERE notification_id = ANY (ARRAY(
    SELECT notification_id FROM notification_log
    WHERE notification_id < :lowest_id AND last_update < :ended_before
    ORDER BY notification_id
    LIMIT :limit
))

-- name: remove_feed_entries
-- Looks at the lowest numbers only, so that it costs the same whether or not there is anything old.
DELETE FROM feed
WHERE number = ANY (ARRAY(
    SELECT number FROM (SELECT number, last_update FROM feed ORDER BY number LIMIT :limit) AS oldest WHERE last_update < :ended_before
))

-- name: remove_orders
-- What is left of orders; tells which chains may have lost their last one.
DELETE FROM orders WHERE id = ANY(:order_ids::uuid[]) RETURNING chain_id

-- name: lock_chains
-- Whoever removes another order of the same chain at this moment waits here, and then sees that ours is gone.
SELECT FROM chains WHERE id = ANY(:chain_ids::uuid[]) ORDER BY id FOR UPDATE

-- name: remove_chains
-- Those of these chains that have no order any more: one primary-key look-up for each order a chain once had.
DELETE FROM chains c
WHERE c.id = ANY(:chain_ids::uuid[])
  AND NOT EXISTS (
      SELECT FROM json_array_elements(c.shipments) AS shipment JOIN orders o ON o.id = (shipment ->> 'id')::uuid
  )

-- name: remove_reports
DELETE FROM delivery_reports
WHERE id = ANY (ARRAY(SELECT id FROM delivery_reports WHERE id < :lowest_id AND due IS NULL ORDER BY id LIMIT :limit))

-- name: remove_sandbox_messages
DELETE FROM sandbox_messages
WHERE id = ANY (ARRAY(SELECT id FROM sandbox_messages WHERE id < :lowest_id ORDER BY id LIMIT :limit))

-- name: trim_sandbox_messages
DELETE FROM sandbox_messages WHERE id = ANY (ARRAY(SELECT id FROM sandbox_messages ORDER BY id DESC OFFSET :keep))

-- name: remove_answers
-- Passes by what somebody is just replacing, who locks in another order; what has been replaced by then is kept.
DELETE FROM directory_answers
WHERE digest = ANY (ARRAY(
    SELECT digest FROM directory_answers WHERE until <= :until ORDER BY until LIMIT :limit FOR UPDATE SKIP LOCKED
))
