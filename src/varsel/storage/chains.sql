-- name: find
-- Known chains by their idempotency keys.
SELECT asked.place, c.id, c.request_hash, c.shipments
FROM unnest($1::text[], $2::smallint[], $3::bytea[]) WITH ORDINALITY AS asked (creator, family, key, place)
JOIN chains c ON c.creator = asked.creator AND c.family = asked.family AND c.idempotency_key = asked.key

-- name: insert
-- Chains whose idempotency id is new, with their orders and these orders' first parts, in one statement and so in one
-- commit. Of two equal chains at the same moment the second waits for the first, and then is not new. The set of new
-- ones is asked as a value, not joined: joined, it would be gone through for every order.
WITH fresh AS (
    INSERT INTO chains (
        id, creator, family, idempotency_key, idempotency_id, request_hash, created, shipments, dialog_id,
        transmission_id
    )
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::smallint[], $4::bytea[], $5::text[], $6::bytea[], $7::timestamptz[], $8::json[],
        $9::text[], $10::text[]
    )
    ON CONFLICT (creator, family, idempotency_key) DO NOTHING
    RETURNING id
), heads AS (
    INSERT INTO orders (
        id, chain_id, creator, senders_reference, type, channel, sending_time_policy, status, created,
        requested_send_time, requested_text, last_update, condition_endpoint, ignore_reservation, use_stale_contacts,
        resource_id, resource_action, part_count, due
    )
    SELECT id, chain_id, creator, senders_reference, type, channel, sending_time_policy, $27, created,
           requested_send_time, requested_text, created, condition_endpoint, ignore_reservation, use_stale_contacts,
           resource_id, resource_action, part_count, requested_send_time
    FROM unnest(
        $11::uuid[], $12::uuid[], $13::text[], $14::text[], $15::smallint[], $16::smallint[], $17::smallint[],
        $18::timestamptz[], $19::timestamptz[], $20::text[], $21::text[], $22::boolean[], $23::boolean[],
        $24::text[], $25::text[], $26::integer[]
    ) AS incoming (
        id, chain_id, creator, senders_reference, type, channel, sending_time_policy, created, requested_send_time,
        requested_text, condition_endpoint, ignore_reservation, use_stale_contacts, resource_id, resource_action,
        part_count
    )
    WHERE (chain_id IN (SELECT id FROM fresh)) IS TRUE
), parts AS (
    INSERT INTO order_parts (order_id, part, texts, recipients, superseded)
    SELECT order_id, 0, texts, recipients, superseded::integer[]
    FROM unnest($11::uuid[], $12::uuid[], $28::json[], $29::json[], $30::text[])
        AS incoming (order_id, chain_id, texts, recipients, superseded)
    WHERE (chain_id IN (SELECT id FROM fresh)) IS TRUE
)
SELECT id FROM fresh

-- name: release
-- Let go of the idempotency id of a request that certainly had no effect, so that it may be used again.
UPDATE chains SET idempotency_key = NULL WHERE id = $1
