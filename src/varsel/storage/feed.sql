-- name: number
-- Give waiting entries their numbers. The lock on the position lasts until this commits, so the next to number
-- begins where this ended, and no reader ever sees a number before all lower ones. A set ends early where its entries
-- together are large (`at_most_bytes` as stored), so that it is always done in time; one entry there always is. Its ids are
-- gathered before anything is deleted: joined, they would be gone through for each entry while the planner believes
-- that there are hardly any.
WITH position AS (
    SELECT last FROM feed_position WHERE single AND EXISTS (SELECT FROM feed_waiting) FOR UPDATE
), taken AS (
    DELETE FROM feed_waiting
    WHERE order_id = ANY (ARRAY(
        SELECT order_id
        FROM (
            SELECT order_id,
                   sum(pg_column_size(recipients)) OVER (ORDER BY order_id) - pg_column_size(recipients) AS before
            FROM feed_waiting
            ORDER BY order_id
            LIMIT :at_most
        ) AS oldest
        WHERE before < :at_most_bytes
    ))
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
-- A page, ended early where its entries together are large (`at_most_bytes` as stored); one entry there always is.
-- The pair is compared and sorted by as a whole, never by `creator` alone: so the index by number, which holds everybody's
-- entries, is of no use to any plan, and who has few or none is answered as fast as anybody.
SELECT number, order_id, senders_reference, type, status, last_update, recipients
FROM (
    SELECT *, sum(pg_column_size(recipients)) OVER (ORDER BY creator, number) - pg_column_size(recipients) AS before
    FROM feed
    WHERE (creator, number) > (:creator, :position) AND (creator, number) <= (:creator, 9223372036854775807)
    ORDER BY creator, number
    LIMIT :limit
) AS page
WHERE before < :at_most_bytes
ORDER BY number

-- name: descending
-- As ascending, the other way.
SELECT number, order_id, senders_reference, type, status, last_update, recipients
FROM (
    SELECT *, sum(pg_column_size(recipients)) OVER (ORDER BY creator DESC, number DESC) - pg_column_size(recipients) AS before
    FROM feed
    WHERE (creator, number) < (:creator, :position) AND (creator, number) >= (:creator, 0)
    ORDER BY creator DESC, number DESC
    LIMIT :limit
) AS page
WHERE before < :at_most_bytes
ORDER BY number DESC
