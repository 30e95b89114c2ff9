-- What many orders have alike is sent once, because writing a value down costs the sender about as much as storing it
-- costs here; a column of nothing but nulls is sent empty, and unnest fills it up. Only what has few values may be alike:
-- every order is held against every kind there is.
--
-- The two statements insert orders alike but for ON CONFLICT: whether orders of a chain are new is known from the chain,
-- and to look for each of them costs PostgreSQL a tenth more for a chain.

-- name: chains
-- Chains whose idempotency id is new, with their orders and these orders' first parts, in one statement and so in one
-- commit. Of two equal chains at the same moment the second waits for the first, and then is not new. The set of new
-- ones is asked as a value, not joined: joined, it would be gone through for every order.
WITH fresh AS (
    INSERT INTO chains (
        id, creator, family, idempotency_key, idempotency_id, request_hash, created, shipments, dialog_id,
        transmission_id
    )
    SELECT * FROM unnest(
        $23::uuid[], $24::text[], $25::smallint[], $26::bytea[], $27::text[], $28::bytea[], $29::timestamptz[],
        $30::json[], $31::text[], $32::text[]
    )
    ON CONFLICT (creator, family, idempotency_key) DO NOTHING
    RETURNING id
), heads AS (
    INSERT INTO orders (
        id, chain_id, creator, senders_reference, type, channel, sending_time_policy, status, created,
        requested_send_time, requested_text, last_update, condition_endpoint, ignore_reservation, use_stale_contacts,
        resource_id, resource_action, part_count, due, trace_id
    )
    SELECT id, chain_id, creator, senders_reference, type, channel, sending_time_policy, $1, created,
           requested_send_time, requested_text, created, condition_endpoint, ignore_reservation, use_stale_contacts,
           resource_id, resource_action, part_count, requested_send_time, trace_id
    FROM unnest(
        $2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[],
        $9::text[], $10::text[], $11::text[], $22::uuid[]
    ) AS incoming (
        id, chain_id, kind, senders_reference, created, requested_send_time, requested_text, condition_endpoint,
        resource_id, resource_action, trace_id
    )
    JOIN unnest(
        $12::text[], $13::smallint[], $14::smallint[], $15::smallint[], $16::boolean[], $17::boolean[], $18::integer[]
    ) WITH ORDINALITY AS alike (
        creator, type, channel, sending_time_policy, ignore_reservation, use_stale_contacts, part_count, kind
    ) USING (kind)
    WHERE (chain_id IN (SELECT id FROM fresh)) IS TRUE
), parts AS (
    INSERT INTO order_parts (order_id, part, texts, recipients, superseded)
    SELECT order_id, 0, texts, recipients, superseded::integer[]
    FROM unnest($2::uuid[], $3::uuid[], $19::json[], $20::json[], $21::text[])
        AS incoming (order_id, chain_id, texts, recipients, superseded)
    WHERE (chain_id IN (SELECT id FROM fresh)) IS TRUE
)
SELECT id FROM fresh

-- name: orders
-- Orders with their first parts, in one statement and so in one commit. Repeating it changes nothing: a batch whose
-- commit was in doubt may be sent again.
WITH heads AS (
    INSERT INTO orders (
        id, chain_id, creator, senders_reference, type, channel, sending_time_policy, status, created,
        requested_send_time, requested_text, last_update, condition_endpoint, ignore_reservation, use_stale_contacts,
        resource_id, resource_action, part_count, due, trace_id
    )
    SELECT id, chain_id, creator, senders_reference, type, channel, sending_time_policy, $1, created,
           requested_send_time, requested_text, created, condition_endpoint, ignore_reservation, use_stale_contacts,
           resource_id, resource_action, part_count, requested_send_time, trace_id
    FROM unnest(
        $2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[],
        $9::text[], $10::text[], $11::text[], $22::uuid[]
    ) AS incoming (
        id, chain_id, kind, senders_reference, created, requested_send_time, requested_text, condition_endpoint,
        resource_id, resource_action, trace_id
    )
    JOIN unnest(
        $12::text[], $13::smallint[], $14::smallint[], $15::smallint[], $16::boolean[], $17::boolean[], $18::integer[]
    ) WITH ORDINALITY AS alike (
        creator, type, channel, sending_time_policy, ignore_reservation, use_stale_contacts, part_count, kind
    ) USING (kind)
    ON CONFLICT (id) DO NOTHING
)
INSERT INTO order_parts (order_id, part, texts, recipients, superseded)
SELECT order_id, 0, texts, recipients, superseded::integer[]
FROM unnest($2::uuid[], $19::json[], $20::json[], $21::text[]) AS incoming (order_id, texts, recipients, superseded)
ON CONFLICT (order_id, part) DO NOTHING
