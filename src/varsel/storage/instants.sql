-- name: hand_over
SELECT o.created, n.channel, n.result, n.attempts
FROM orders o JOIN notifications n ON n.order_id = o.id
WHERE o.id = :order_id

-- name: forget
-- An instant order has one part, one notification and one chunk, and its caller is its only holder.
WITH notification AS (
    DELETE FROM notifications WHERE order_id = :order_id RETURNING chunk_id
), chunk AS (
    DELETE FROM chunks c USING notification n WHERE c.id = n.chunk_id
), part AS (
    DELETE FROM order_parts WHERE order_id = :order_id
)
DELETE FROM orders WHERE id = :order_id

-- name: forget_chain
DELETE FROM chains WHERE id = :chain_id
