-- name: feed
-- The frozen content of the feed: e-mails before SMS, each with its result at this moment. Entries of type $2 come back.
WITH entries AS (
    INSERT INTO feed_waiting (order_id, creator, senders_reference, type, status, last_update, recipients)
    SELECT o.id, o.creator, o.senders_reference, o.type, o.status, o.last_update,
           coalesce(
               (
                   SELECT json_agg(
                       json_build_array(n.address, n.result, (extract(epoch FROM n.result_time) * 1000000)::bigint)
                       ORDER BY n.channel, n.id
                   )
                   FROM notifications n
                   WHERE n.order_id = o.id
               ),
               '[]'
           )
    FROM orders o
    WHERE o.id = ANY($1::uuid[])
    ON CONFLICT (order_id) DO NOTHING
    RETURNING order_id, type
)
SELECT order_id FROM entries WHERE type = $2

-- name: forget_attachment_addresses
-- The one time that what an order says is rewritten: who knows a pre-signed address can read the file.
UPDATE order_parts p
SET texts = json_build_object(
    'email', p.texts -> 'email',
    'attachments', (
        SELECT json_agg(json_build_object('filename', a -> 'filename', 'mimeType', a -> 'mimeType') ORDER BY place)
        FROM json_array_elements(p.texts -> 'attachments') WITH ORDINALITY AS listed (a, place)
    )
)
WHERE p.order_id = ANY($1::uuid[]) AND p.part = 0 AND json_typeof(p.texts -> 'attachments') = 'array'

-- name: log
-- The sandbox calls a message by the id of its notification, so its references are not stored with notifications.
INSERT INTO notification_log (
    notification_id, chain_id, shipment_id, creator, senders_reference, dialog_id, transmission_id, delivery_reference,
    recipient, type, channel, destination, resource_id, result, requested_send_time, last_update
)
SELECT n.id, o.chain_id, o.id, o.creator, o.senders_reference, c.dialog_id, c.transmission_id,
       coalesce(n.reference, CASE WHEN starts_with(n.provider, 'sandbox') THEN n.id::text END),
       coalesce(n.organization_number, n.national_identity_number), o.type, n.channel, n.address, o.resource_id,
       n.result, o.requested_send_time, n.result_time
FROM orders o
JOIN notifications n ON n.order_id = o.id
LEFT JOIN chains c ON c.id = o.chain_id
WHERE o.id = ANY($1::uuid[])
ON CONFLICT (notification_id) DO NOTHING
