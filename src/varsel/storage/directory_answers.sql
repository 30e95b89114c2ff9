-- name: look
-- What was asked for after `since`, and not in the future of `now`. How long it may be used is for whoever uses it to say; not
-- to look at `until` also keeps the planner from the index on it, which leads through the whole table.
SELECT asked.place, known.directory, known.answer, known.asked_at
FROM unnest(:digests::bytea[]) WITH ORDINALITY AS asked (digest, place)
JOIN directory_answers known ON known.digest = asked.digest
WHERE known.asked_at > :since AND known.asked_at <= :now

-- name: leave
-- Sets come in the order of their digests, so that two never wait for each other. No older answer replaces a newer one.
INSERT INTO directory_answers (digest, asked_at, until, directory, answer)
SELECT digest, asked_at, :until, directory, answer
FROM unnest(:digests::bytea[], :directories::text[], :answers::bytea[], :asked_at::timestamptz[]) AS incoming (digest, directory, answer, asked_at)
ON CONFLICT (digest) DO UPDATE
SET asked_at = excluded.asked_at, until = excluded.until, directory = excluded.directory, answer = excluded.answer
WHERE directory_answers.asked_at < excluded.asked_at
