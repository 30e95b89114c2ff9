-- name: keep
INSERT INTO delivery_reports (id, channel, reference, notification_id, result, raw, provider, received, due)
SELECT id, channel, reference, notification_id, result, raw, provider, $8, $8
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::uuid[], $5::smallint[], $6::text[], $7::text[])
     AS r (id, channel, reference, notification_id, result, raw, provider)
ON CONFLICT (id) DO NOTHING

-- name: claim
UPDATE delivery_reports r
SET due = $2, attempts = r.attempts + 1
FROM (
    SELECT id FROM delivery_reports
    WHERE due <= $1
    ORDER BY due
    LIMIT $3
    FOR UPDATE SKIP LOCKED
) AS chosen
WHERE r.id = chosen.id
RETURNING r.id, r.channel, r.reference, r.notification_id, r.result, r.received, r.attempts, r.provider

-- name: conclude
UPDATE delivery_reports r
SET due = c.due, outcome = c.outcome, notification_id = coalesce(c.notification_id, r.notification_id)
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::uuid[]) AS c (id, due, outcome, notification_id)
WHERE r.id = c.id

-- name: hasten
-- References that have just become known: reports that arrived before them are applied at once. Another provider's
-- report of the same reference is looked at too early by this, and waits on.
UPDATE delivery_reports SET due = $2 WHERE reference = ANY($1::text[]) AND due > $2
