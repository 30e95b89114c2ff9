-- name: of_order
-- A page of an order's notifications of one channel, in their own order. A row still New whose chunk is leased and
-- meant for the provider right now is shown as Sending.
SELECT n.id, n.order_id, n.channel, n.result_time, n.address, n.national_identity_number, n.organization_number,
       n.provider IS NOT NULL OR n.reference IS NOT NULL AS taken,
       CASE WHEN n.result = $4 AND c.leased AND n.id <= c.intended_through THEN $5 ELSE n.result END AS result
FROM notifications n
LEFT JOIN chunks c ON c.id = n.chunk_id
WHERE n.order_id = $1 AND n.channel = $2 AND n.id > $3
ORDER BY n.id
LIMIT $6

-- name: of_chunks
-- What a lease on these chunks covers: the rows without result, with what is needed to send them.
SELECT n.id, n.order_id, n.chunk_id, n.address, n.subject, n.body, n.attempts, n.lost, n.expiry, c.instant
FROM chunks c
JOIN notifications n ON n.id BETWEEN c.first_id AND c.last_id AND n.chunk_id = c.id
WHERE c.id = ANY($1::uuid[]) AND n.result = $2
ORDER BY n.chunk_id, n.id

-- name: texts
SELECT order_id, texts FROM order_parts WHERE order_id = ANY($1::uuid[]) AND part = 0

-- name: unsettled
-- Rows of these chunks that are not final; the results given are the non-final ones.
SELECT n.id, n.order_id, n.chunk_id, n.channel, n.result, n.result_time, n.expiry, n.assumed, n.attempts
FROM chunks c
JOIN notifications n ON n.id BETWEEN c.first_id AND c.last_id AND n.chunk_id = c.id
WHERE c.id = ANY($1::uuid[]) AND n.result = ANY($2::smallint[])

-- name: by_ids
SELECT n.id, n.order_id, n.chunk_id, n.channel, n.result, n.result_time, n.expiry, n.assumed, n.attempts
FROM notifications n
WHERE n.id = ANY($1::uuid[])

-- name: by_references
-- For each name (channel, provider, reference) the newest notifications that bear it, newest first, at most $4 of them:
-- a gateway that gives one reference to everything must not make us read everything. A provider that is not known,
-- because older code did not store it, may be any.
SELECT name.number, n.id, n.order_id, n.chunk_id, n.channel, n.result, n.result_time, n.expiry, n.assumed, n.attempts
FROM unnest($1::smallint[], $2::text[], $3::text[]) WITH ORDINALITY AS name (channel, provider, reference, number)
CROSS JOIN LATERAL (
    SELECT * FROM notifications n
    WHERE n.reference = name.reference
      AND n.channel = name.channel
      AND (n.provider = name.provider OR n.provider IS NULL OR name.provider IS NULL)
    ORDER BY n.id DESC
    LIMIT $4
) AS n
ORDER BY name.number, n.id DESC

-- name: settle
-- Record results: members $1 to $3 (id, provider's reference, number of the step), steps $4 to $14, at the time $15.
-- Only rows that still say what a decision was based on change; those that have moved on meanwhile are left alone and
-- not returned. The orders' counters move in the same statement, and an order without pending notifications is
-- Completed by it. Members come in the order of their ids and orders are locked in the order of theirs, all in this
-- one statement, so that two sets never deadlock.
WITH changed AS (
    UPDATE notifications n
    SET result = s.result,
        result_time = $15,
        attempts = greatest(n.attempts, s.attempts),
        lost = greatest(n.lost, s.lost),
        reference = coalesce(i.reference, n.reference),
        provider = coalesce(s.provider, n.provider),
        detail = coalesce(s.detail, n.detail),
        assumed = s.assumed
    FROM unnest($1::uuid[], $2::text[], $3::integer[]) AS i (id, reference, step)
    JOIN unnest(
        $4::smallint[], $5::boolean[], $6::smallint[], $7::smallint[], $8::smallint[], $9::text[], $10::boolean[],
        $11::integer[], $12::integer[], $13::integer[], $14::text[]
    ) WITH ORDINALITY AS s (
        expected, was_assumed, result, attempts, lost, detail, assumed, settled, email_succeeded, sms_succeeded, provider,
        number
    ) ON s.number = i.step
    WHERE n.id = i.id AND n.result = s.expected AND n.assumed = s.was_assumed
    RETURNING n.id, n.order_id, s.settled, s.email_succeeded, s.sms_succeeded
), deltas AS (
    SELECT order_id,
           sum(settled)::integer AS settled,
           sum(email_succeeded)::integer AS email_succeeded,
           sum(sms_succeeded)::integer AS sms_succeeded
    FROM changed
    GROUP BY order_id
    HAVING sum(settled) <> 0 OR sum(email_succeeded) <> 0 OR sum(sms_succeeded) <> 0
), locked AS (
    SELECT d.*, o.status AS status_before
    FROM deltas d JOIN orders o ON o.id = d.order_id
    ORDER BY o.id
    FOR NO KEY UPDATE OF o
), counted AS (
    UPDATE orders o
    SET pending = o.pending - l.settled,
        email_succeeded = o.email_succeeded + l.email_succeeded,
        sms_succeeded = o.sms_succeeded + l.sms_succeeded,
        status = CASE WHEN o.status = $16 AND o.pending = l.settled THEN $17 ELSE o.status END,
        last_update = CASE WHEN o.status = $16 AND o.pending = l.settled THEN $15 ELSE o.last_update END
    FROM locked l
    WHERE o.id = l.order_id
    RETURNING o.id, o.status, l.status_before, o.email_generated + o.sms_generated AS size
)
SELECT id AS changed, NULL AS completed, 0 AS size FROM changed
UNION ALL
SELECT NULL, id, size FROM counted WHERE status = $17 AND status_before <> $17

-- name: count_attempts
-- Attempts that became known after others had decided the notifications: both copies of a message count.
UPDATE notifications n
SET attempts = greatest(n.attempts, i.attempts), lost = greatest(n.lost, i.lost)
FROM unnest($1::uuid[], $2::smallint[], $3::smallint[]) AS i (id, attempts, lost)
WHERE n.id = i.id AND (n.attempts < i.attempts OR n.lost < i.lost)
