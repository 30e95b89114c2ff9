-- name: states
-- Orders with all their notifications where these are few (`few` at most), e-mails before SMS, both as of one moment. A row
-- still New whose chunk is leased and meant for the provider right now is shown as Sending. Foreign orders look like
-- missing ones.
SELECT o.id, o.creator, o.senders_reference, o.type, o.status, greatest(o.created, o.last_update),
       o.email_generated + o.sms_generated, line.address, line.result, line.result_time
FROM unnest(:order_ids::uuid[], :creators::text[]) AS asked (id, creator)
JOIN orders o ON o.id = asked.id AND o.creator = asked.creator
LEFT JOIN LATERAL (
    SELECT n.id, n.channel, n.address, n.result_time,
           CASE WHEN c.leased AND n.id <= c.intended_through AND n.result = :email_new THEN :email_sending
                WHEN c.leased AND n.id <= c.intended_through AND n.result = :sms_new THEN :sms_sending
                ELSE n.result END AS result
    FROM notifications n
    LEFT JOIN chunks c ON c.id = n.chunk_id
    WHERE n.order_id = o.id AND o.email_generated + o.sms_generated <= :few
) AS line ON true
ORDER BY o.id, line.channel, line.id
