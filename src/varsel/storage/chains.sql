-- name: find
-- Known chains by their idempotency keys.
SELECT asked.place, c.id, c.request_hash, c.created, c.shipments
FROM unnest($1::text[], $2::smallint[], $3::bytea[]) WITH ORDINALITY AS asked (creator, family, key, place)
JOIN chains c ON c.creator = asked.creator AND c.family = asked.family AND c.idempotency_key = asked.key

-- name: release
-- Let go of the idempotency id of a request that certainly had no effect, so that it may be used again.
UPDATE chains SET idempotency_key = NULL WHERE id = $1
