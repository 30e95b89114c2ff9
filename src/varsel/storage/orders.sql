-- name: begin_instant
-- An instant order is never claimed: its one notification exists from the start and is dispatched by who stored it.
UPDATE orders
SET status = $2, due = NULL, parts_done = part_count, pending = 1, email_generated = $3, sms_generated = $4,
    time_to_live = $5
WHERE id = $1

-- name: statuses
-- One primary-key look-up per order, however many notifications it has. Foreign orders look like missing ones.
SELECT o.id, o.creator, o.senders_reference, o.type, o.channel, o.status, o.created, o.requested_send_time, o.last_update,
       o.condition_endpoint, o.ignore_reservation, o.resource_id, o.resource_action,
       o.email_generated, o.email_succeeded, o.sms_generated, o.sms_succeeded
FROM unnest($1::uuid[], $2::text[]) AS asked (id, creator)
JOIN orders o ON o.id = asked.id AND o.creator = asked.creator

-- name: document
SELECT o.id, o.creator, o.senders_reference, o.type, o.channel, o.status, o.created, o.requested_text,
       o.condition_endpoint, o.ignore_reservation, o.resource_id, o.resource_action, o.part_count,
       p.texts, p.recipients
FROM orders o
JOIN order_parts p ON p.order_id = o.id AND p.part = 0
WHERE o.id = $1 AND o.creator = $2

-- name: documents_by_reference
SELECT o.id, o.creator, o.senders_reference, o.type, o.channel, o.status, o.created, o.requested_text,
       o.condition_endpoint, o.ignore_reservation, o.resource_id, o.resource_action, o.part_count,
       p.texts, p.recipients
FROM orders o
JOIN order_parts p ON p.order_id = o.id AND p.part = 0
WHERE o.creator = $1 AND hashtextextended(o.senders_reference, 0) = hashtextextended($2, 0)
  AND o.senders_reference = $2 AND o.id > $3
ORDER BY o.id
LIMIT $4

-- name: recipients_of_part
SELECT recipients FROM order_parts WHERE order_id = $1 AND part = $2

-- name: lock_for_cancel
SELECT status, requested_send_time FROM orders WHERE id = $1 AND creator = $2 FOR UPDATE

-- name: cancel
UPDATE orders SET status = $2, last_update = $3, due = NULL WHERE id = $1

-- name: claim_due
-- Orders of one queue whose time has come, oldest first, skipping what others hold. Pushing `due` ahead is the lease; `attempt`
-- is its fencing token. Both the Registered and those whose lease ran out are found by the same small index; looking
-- ahead (from $6 to $1) is for the Registered only, or it would end leases early.
UPDATE orders o
SET due = $2, attempt = o.attempt + 1, status = $3
FROM (
    SELECT id FROM orders
    WHERE queue = $5 AND due <= $1 AND (due <= $6 OR status = $7)
    ORDER BY due
    LIMIT $4
    FOR UPDATE SKIP LOCKED
) AS chosen
WHERE o.id = chosen.id
RETURNING o.id, o.creator, o.type, o.channel, o.sending_time_policy, o.requested_send_time, o.condition_endpoint,
          o.ignore_reservation, o.use_stale_contacts, o.resource_id, o.resource_action, o.part_count, o.parts_done,
          o.attempt, o.failures, o.condition_asked, o.condition_unasked, o.trace_id,
          NULL AS condition_host

-- name: claim_conditional
-- Like claim_due, but creator by creator, and of each creator host by host. $8, $9 and $10 say how many orders of which
-- creators at which hosts the process has under way. No host gets more than $7 with them, and a creator gets another
-- order only while it has fewer than three times the free places ($4 at the beginning; mechanisms.shared_places). Who
-- has least comes first. So an order waits for the backlog of its own creator at its own host only.
-- Each walk takes one step in the index for a creator or a host, however many orders it has, from anywhere on and then
-- from the lowest up to there: 128 creators and some 512 hosts at most, so that no number of them makes a claim slow and
-- each has its chance. `due` is spelled as in the index for it: any other one, which the planner prefers while it is
-- small, leads through a backlog.
WITH RECURSIVE beginning (creator, host) AS MATERIALIZED (
    SELECT ((random() - 0.5) * 18446744073709551616)::bigint, ((random() - 0.5) * 18446744073709551616)::bigint
    WHERE EXISTS (SELECT FROM orders WHERE queue = $11 AND due <= $1 AND (due <= $5 OR status = $6))
), busy AS MATERIALIZED (
    SELECT hashtextextended(creator, 0) AS creator, host, orders
    FROM unnest($8::text[], $9::bigint[], $10::integer[]) AS given (creator, host, orders)
), creators (creator, last, steps) AS (
    SELECT creator, 9223372036854775807, 0 FROM beginning
    UNION ALL
    SELECT -9223372036854775808, creator, 0 FROM beginning
    UNION ALL
    SELECT next.creator, creators.last, creators.steps + 1
    FROM creators
    CROSS JOIN LATERAL (
        SELECT hashtextextended(creator, 0) AS creator FROM orders
        WHERE condition_endpoint IS NOT NULL AND coalesce(due, '-infinity') > '-infinity'
          AND hashtextextended(creator, 0) > creators.creator AND hashtextextended(creator, 0) <= creators.last
        ORDER BY hashtextextended(creator, 0)
        LIMIT 1
    ) AS next
    WHERE creators.steps < 64
), allowed AS MATERIALIZED (
    -- How many more a creator can get at best: each one it takes leaves one place less.
    SELECT creators.creator, held.orders AS held, (3 * $4 - held.orders + 3) / 4 AS more,
           greatest(2, 256 / count(*) OVER ()) AS hosts
    FROM creators
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(orders), 0)::integer AS orders FROM busy WHERE busy.creator = creators.creator
    ) AS held
    WHERE creators.steps > 0 AND 3 * $4 > held.orders
), lanes (creator, host, last, steps, held, more, hosts) AS (
    SELECT allowed.creator, beginning.host, 9223372036854775807, 0, held, more, hosts FROM allowed, beginning
    UNION ALL
    SELECT allowed.creator, -9223372036854775808, beginning.host, 0, held, more, hosts FROM allowed, beginning
    UNION ALL
    SELECT lanes.creator, next.host, lanes.last, lanes.steps + 1, lanes.held, lanes.more, lanes.hosts
    FROM lanes
    CROSS JOIN LATERAL (
        SELECT condition_host(condition_endpoint) AS host FROM orders
        WHERE condition_endpoint IS NOT NULL AND coalesce(due, '-infinity') > '-infinity'
          AND hashtextextended(creator, 0) = lanes.creator
          AND condition_host(condition_endpoint) > lanes.host AND condition_host(condition_endpoint) <= lanes.last
        ORDER BY condition_host(condition_endpoint)
        LIMIT 1
    ) AS next
    WHERE lanes.steps < lanes.hosts
), candidates AS (
    SELECT candidate.id, candidate.due, lanes.creator, lanes.host, lanes.held, at_host.orders AS at_host,
           own.orders + row_number() OVER (PARTITION BY lanes.creator, lanes.host ORDER BY candidate.due) AS of_creator
    FROM lanes
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(orders), 0)::integer AS orders FROM busy WHERE busy.host = lanes.host
    ) AS at_host
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(orders), 0)::integer AS orders
        FROM busy WHERE busy.host = lanes.host AND busy.creator = lanes.creator
    ) AS own
    CROSS JOIN LATERAL (
        SELECT id, due FROM orders
        WHERE condition_endpoint IS NOT NULL AND coalesce(due, '-infinity') > '-infinity'
          AND hashtextextended(creator, 0) = lanes.creator AND condition_host(condition_endpoint) = lanes.host
          AND coalesce(due, '-infinity') <= $1 AND (coalesce(due, '-infinity') <= $5 OR status = $6)
        ORDER BY coalesce(due, '-infinity')
        LIMIT greatest(0, least($7 - at_host.orders, lanes.more))
        FOR UPDATE SKIP LOCKED
    ) AS candidate
    WHERE lanes.steps > 0
), at_hosts AS (
    SELECT *, at_host + row_number() OVER (PARTITION BY host ORDER BY of_creator, due) AS at_host_then FROM candidates
), of_creators AS (
    SELECT *, held + row_number() OVER (PARTITION BY creator ORDER BY at_host_then, due) AS held_then
    FROM at_hosts
    WHERE at_host_then <= $7
), chosen AS (
    SELECT *, $4 + 1 - row_number() OVER (ORDER BY held_then, at_host_then, due) AS free FROM of_creators
)
UPDATE orders o
SET due = $2, attempt = o.attempt + 1, status = $3
FROM chosen
WHERE o.id = chosen.id AND chosen.free > 0 AND chosen.held_then - 1 < 3 * chosen.free
RETURNING o.id, o.creator, o.type, o.channel, o.sending_time_policy, o.requested_send_time, o.condition_endpoint,
          o.ignore_reservation, o.use_stale_contacts, o.resource_id, o.resource_action, o.part_count, o.parts_done,
          o.attempt, o.failures, o.condition_asked, o.condition_unasked, o.trace_id,
          chosen.host AS condition_host

-- name: next_parts
-- The next parts of each claimed order with the order's texts. Written so that each order's are looked up by the key:
-- as a plain join, a thousand orders were held against every first part there is.
SELECT p.order_id, p.part, p.recipients, p.superseded,
       (SELECT texts FROM order_parts first WHERE first.order_id = wanted.order_id AND first.part = 0) AS texts
FROM unnest($1::uuid[], $2::integer[]) AS wanted (order_id, part)
CROSS JOIN LATERAL (
    SELECT order_id, part, recipients, superseded
    FROM order_parts
    WHERE order_id = wanted.order_id AND part >= wanted.part
    ORDER BY part
    LIMIT $3
) AS p
ORDER BY p.order_id, p.part

-- name: advance
-- Move orders on by the parts just expanded, in the transaction that stores their notifications. Only the holder of
-- the lease may do so: an order whose attempt has moved on is left out, and the caller drops its notifications.
-- The status to be found stands with the steps, here and below: as a value, it lets the planner believe that hardly any
-- order has it, and hold every order there is against all steps.
WITH step AS MATERIALIZED (
    SELECT *, $7::smallint AS status
    FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::integer[], $5::integer[], $6::integer[])
         AS given (id, attempt, parts_done, email_generated, sms_generated, pending)
)
UPDATE orders o
SET parts_done = step.parts_done,
    email_generated = o.email_generated + step.email_generated,
    sms_generated = o.sms_generated + step.sms_generated,
    pending = o.pending + step.pending,
    failures = 0,
    trouble = NULL,
    status = CASE WHEN step.parts_done < o.part_count THEN o.status
                  WHEN o.pending + step.pending > 0 THEN $8
                  ELSE $9 END,
    last_update = CASE WHEN step.parts_done < o.part_count THEN o.last_update ELSE $10 END,
    due = CASE WHEN step.parts_done < o.part_count THEN $11::timestamptz END
FROM step
WHERE o.id = step.id AND o.attempt = step.attempt AND o.status = step.status
RETURNING o.id, o.status

-- name: stop
-- The send condition said no: final, nothing generated.
UPDATE orders SET status = $3, last_update = $4, due = NULL, trouble = NULL
WHERE id = $1 AND attempt = $2 AND status = $5
RETURNING id

-- name: renew
WITH held AS MATERIALIZED (
    SELECT *, $4::smallint AS status FROM unnest($1::uuid[], $2::integer[]) AS given (id, attempt)
)
UPDATE orders o SET due = $3
FROM held
WHERE o.id = held.id AND o.attempt = held.attempt AND o.status = held.status

-- name: postpone
-- Processing could not go on. The order stays what it is, is looked at again at `due`, and says why. The new attempt
-- number ends the lease, so that nobody renews it. A send condition is asked anew then, and its answers are counted
-- anew (processing.md 1.7).
WITH held AS MATERIALIZED (
    SELECT *, $5::smallint AS status
    FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::text[]) AS given (id, attempt, until, trouble)
)
UPDATE orders o
SET due = held.until, attempt = o.attempt + 1, failures = o.failures + 1, condition_asked = 0, condition_unasked = 0,
    trouble = held.trouble
FROM held
WHERE o.id = held.id AND o.attempt = held.attempt AND o.status = held.status

-- name: ask_again
-- The send condition is not decided. The order stays what it is, its last update too, and is asked about at `due`.
UPDATE orders SET due = $3, attempt = attempt + 1, condition_asked = $4, condition_unasked = $5, trouble = $6
WHERE id = $1 AND attempt = $2 AND status = $7
