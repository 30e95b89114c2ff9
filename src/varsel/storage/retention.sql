-- Sets to be removed are gathered first, as an array: joined, they may be gone through for every row of the table.

-- name: ended_orders
-- Orders that ended before $2. Ids sort by creation, so $1 (the lowest id of that instant) keeps the scan to the old.
SELECT id FROM orders
WHERE id < $1 AND last_update < $2 AND status = ANY($3::smallint[])
ORDER BY id
LIMIT $4

-- name: remove_notifications
DELETE FROM notifications
WHERE id = ANY (ARRAY(SELECT id FROM notifications WHERE order_id = ANY($1::uuid[]) LIMIT $2))

-- name: remove_parts
DELETE FROM order_parts
WHERE ctid = ANY (ARRAY(SELECT ctid FROM order_parts WHERE order_id = ANY($1::uuid[]) LIMIT $2))

-- name: remove_log
-- By age alone, whatever became of the orders. $1 (the lowest id of the instant $2) keeps the scan to the old.
DELETE FROM notification_log
WHERE notification_id = ANY (ARRAY(
    SELECT notification_id FROM notification_log
    WHERE notification_id < $1 AND last_update < $2
    ORDER BY notification_id
    LIMIT $3
))

-- name: remove_feed_entries
-- Looks at the lowest numbers only, so that it costs the same whether or not there is anything old.
DELETE FROM feed
WHERE number = ANY (ARRAY(
    SELECT number FROM (SELECT number, last_update FROM feed ORDER BY number LIMIT $2) AS oldest WHERE last_update < $1
))

-- name: remove_orders
-- What is left of orders; tells which chains may have lost their last one.
DELETE FROM orders WHERE id = ANY($1::uuid[]) RETURNING chain_id

-- name: lock_chains
-- Whoever removes another order of the same chain at this moment waits here, and then sees that ours is gone.
SELECT FROM chains WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE

-- name: remove_chains
-- Those of these chains that have no order any more: one primary-key look-up for each order a chain once had.
DELETE FROM chains c
WHERE c.id = ANY($1::uuid[])
  AND NOT EXISTS (
      SELECT FROM json_array_elements(c.shipments) AS shipment JOIN orders o ON o.id = (shipment ->> 'id')::uuid
  )

-- name: remove_reports
DELETE FROM delivery_reports
WHERE id = ANY (ARRAY(SELECT id FROM delivery_reports WHERE id < $1 AND due IS NULL ORDER BY id LIMIT $2))

-- name: remove_sandbox_messages
DELETE FROM sandbox_messages
WHERE id = ANY (ARRAY(SELECT id FROM sandbox_messages WHERE id < $1 ORDER BY id LIMIT $2))

-- name: trim_sandbox_messages
DELETE FROM sandbox_messages WHERE id = ANY (ARRAY(SELECT id FROM sandbox_messages ORDER BY id DESC OFFSET $1))

-- name: remove_answers
-- Passes by what somebody is just replacing, who locks in another order; what has been replaced by then is kept.
DELETE FROM directory_answers
WHERE digest = ANY (ARRAY(
    SELECT digest FROM directory_answers WHERE until <= $1 ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED
))
