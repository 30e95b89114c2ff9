-- name: find
-- Known chains by their idempotency keys.
SELECT asked.place, c.id, c.request_hash, c.created, c.shipments
FROM unnest($1::text[], $2::smallint[], $3::bytea[]) WITH ORDINALITY AS asked (creator, family, key, place)
JOIN chains c ON c.creator = asked.creator AND c.family = asked.family AND c.idempotency_key = asked.key
