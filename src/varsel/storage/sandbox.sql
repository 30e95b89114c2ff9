-- name: newest
SELECT id, notification_id, channel, attempt, kept, recipient, sender, subject, body, content_type, attachments
FROM sandbox_messages
WHERE id < :before
ORDER BY id DESC
LIMIT :limit

-- name: to_recipient
SELECT id, notification_id, channel, attempt, kept, recipient, sender, subject, body, content_type, attachments
FROM sandbox_messages
WHERE recipient = :recipient AND id < :before
ORDER BY id DESC
LIMIT :limit
