-- name: newest
SELECT id, notification_id, channel, attempt, kept, recipient, sender, subject, body, content_type, attachments
FROM sandbox_messages
WHERE id < $1
ORDER BY id DESC
LIMIT $2

-- name: to_recipient
SELECT id, notification_id, channel, attempt, kept, recipient, sender, subject, body, content_type, attachments
FROM sandbox_messages
WHERE recipient = $1 AND id < $2
ORDER BY id DESC
LIMIT $3
