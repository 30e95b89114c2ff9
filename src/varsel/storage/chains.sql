-- name: find
-- Known chains by their idempotency keys.
SELECT asked.place, c.id, c.request_hash, c.shipments
FROM unnest($1::text[], $2::smallint[], $3::bytea[]) WITH ORDINALITY AS asked (creator, family, key, place)
JOIN chains c ON c.creator = asked.creator AND c.family = asked.family AND c.idempotency_key = asked.key

-- name: insert
-- Chains whose idempotency id is new; of two at the same moment the second waits for the first and then finds it.
INSERT INTO chains (
    id, creator, family, idempotency_key, idempotency_id, request_hash, created, shipments, dialog_id, transmission_id
)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::smallint[], $4::bytea[], $5::text[], $6::bytea[], $7::timestamptz[], $8::json[],
    $9::text[], $10::text[]
)
ON CONFLICT (creator, family, idempotency_key) DO NOTHING
RETURNING id

-- name: release
-- Let go of the idempotency id of a request that certainly had no effect, so that it may be used again.
UPDATE chains SET idempotency_key = NULL WHERE id = $1
