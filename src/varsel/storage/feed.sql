-- name: number
-- Give waiting entries their numbers. The lock on the position lasts until this commits, so the next to number
-- begins where this ended, and no reader ever sees a number before all lower ones.
WITH position AS (
    SELECT last FROM feed_position WHERE single AND EXISTS (SELECT FROM feed_waiting) FOR UPDATE
), taken AS (
    DELETE FROM feed_waiting
    WHERE order_id IN (SELECT order_id FROM feed_waiting ORDER BY order_id LIMIT $1)
      AND (SELECT last FROM position) IS NOT NULL
    RETURNING *
), numbered AS (
    INSERT INTO feed (number, creator, order_id, senders_reference, type, status, last_update, recipients)
    SELECT (SELECT last FROM position) + row_number() OVER (ORDER BY last_update, order_id),
           creator, order_id, senders_reference, type, status, last_update, recipients
    FROM taken
    RETURNING number
)
UPDATE feed_position SET last = last + (SELECT count(*) FROM numbered)
WHERE single AND EXISTS (SELECT FROM numbered)
RETURNING (SELECT count(*) FROM numbered)

-- name: ascending
SELECT number, order_id, senders_reference, type, status, last_update, recipients
FROM feed
WHERE creator = $1 AND number > $2
ORDER BY number
LIMIT $3

-- name: descending
SELECT number, order_id, senders_reference, type, status, last_update, recipients
FROM feed
WHERE creator = $1 AND number < $2
ORDER BY number DESC
LIMIT $3
