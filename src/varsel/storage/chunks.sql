-- name: claim
-- Lease waiting chunks of a lane, and those whose lease ran out, until `$5` notifications are together. The old
-- `intended_through` comes back with them: rows up to it may have reached the provider under the lost lease.
-- Chunks that lie wholly in the first window of `$6` rows (they are sent in the order of their ids) are intended by
-- being claimed; every further window is intended when its turn comes, so that a crash leaves little in doubt.
-- Leases that ran out are left alone unless `$7`: after an outage their holders come first.
WITH waiting AS (
    SELECT id, size, due, intended_through
    FROM chunks
    WHERE lane = $1 AND due <= $2 AND (NOT leased OR $7)
      AND NOT EXISTS (SELECT FROM lane_pauses p WHERE p.lane = $1 AND p.until > $2)
    ORDER BY due
    LIMIT $4
    FOR UPDATE SKIP LOCKED
), chosen AS (
    SELECT id, size, intended_through AS doubtful_through
    FROM (SELECT id, size, intended_through, sum(size) OVER (ORDER BY due, id) - size AS before FROM waiting) AS w
    WHERE before < $5
), placed AS (
    SELECT id, doubtful_through, sum(size) OVER (ORDER BY id) <= $6 AS in_first_window FROM chosen
)
UPDATE chunks c
SET leased = true,
    due = $3,
    attempt = c.attempt + 1,
    intended_through = CASE WHEN placed.in_first_window THEN c.last_id ELSE placed.doubtful_through END
FROM placed
WHERE c.id = placed.id
RETURNING c.id, c.size, c.attempt, placed.doubtful_through, c.intended_through

-- name: renew
UPDATE chunks c SET due = $3
FROM unnest($1::uuid[], $2::integer[]) AS held (id, attempt)
WHERE c.id = held.id AND c.attempt = held.attempt AND c.leased

-- name: intend
-- Store, before the provider is called, how far the rows of a chunk may have reached it; this also renews the lease.
-- No row comes back when the lease now belongs to somebody else.
UPDATE chunks c
SET intended_through = greatest(c.intended_through, i.through), due = $4
FROM unnest($1::uuid[], $2::integer[], $3::uuid[]) AS i (id, attempt, through)
WHERE c.id = i.id AND c.attempt = i.attempt AND c.leased
RETURNING c.id

-- name: hand_back
-- The lease ends with rows unsent (the lane rests, or this process stops): claimable again from `due` on.
UPDATE chunks c
SET leased = false, due = $3, intended_through = NULL
FROM unnest($1::uuid[], $2::integer[]) AS held (id, attempt)
WHERE c.id = held.id AND c.attempt = held.attempt AND c.leased

-- name: hand_over
-- Every row of these chunks has been given to the provider and recorded. What awaits a report is decided at the
-- deadline at the latest; chunks with nothing left to await are gone.
WITH held AS (
    SELECT * FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[]) AS h (id, attempt, deadline)
), finished AS (
    DELETE FROM chunks c USING held h
    WHERE c.id = h.id AND c.attempt = h.attempt AND h.deadline IS NULL
)
UPDATE chunks c
SET leased = false, due = NULL, intended_through = NULL, deadline = h.deadline
FROM held h
WHERE c.id = h.id AND c.attempt = h.attempt AND h.deadline IS NOT NULL

-- name: move_rows
-- Only for who still holds the lease on the chunk they leave: what another one has in hand by now is his to place.
UPDATE notifications n SET chunk_id = m.target
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::uuid[]) AS m (id, source, attempt, target)
JOIN chunks c ON c.id = m.source AND c.attempt = m.attempt AND c.leased
WHERE n.id = m.id AND n.chunk_id = m.source

-- name: insert_held
-- A chunk that whoever stores it dispatches at once. It has no `due`: should the process die, nobody takes it up, for
-- nobody could know whether the message went out; its deadline decides.
INSERT INTO chunks (id, lane, first_id, last_id, size, attempt, leased, intended_through, deadline, instant)
VALUES ($1, $2, $3, $3, 1, 1, true, $3, $4, true)

-- name: claim_overdue
-- Chunks whose deadline has passed and that nobody is sending just now. Pushing the deadline ahead is the lease.
-- Chunks whose lease ran out are left alone unless `$4`: after an outage their holders come first.
UPDATE chunks c
SET deadline = $2
FROM (
    SELECT id FROM chunks
    WHERE deadline <= $1 AND (NOT leased OR due IS NULL OR (due <= $1 AND $4))
    ORDER BY deadline
    LIMIT $3
    FOR UPDATE SKIP LOCKED
) AS chosen
WHERE c.id = chosen.id
RETURNING c.id, c.lane

-- name: rearm
UPDATE chunks c SET deadline = r.deadline
FROM unnest($1::uuid[], $2::timestamptz[]) AS r (id, deadline)
WHERE c.id = r.id

-- name: remove
DELETE FROM chunks WHERE id = ANY($1::uuid[])

-- name: pause
-- A later end wins; a shorter wish never shortens a pause (processing.md W17).
INSERT INTO lane_pauses (lane, until, reason) VALUES ($1, $2, $3)
ON CONFLICT (lane) DO UPDATE
SET until = greatest(lane_pauses.until, excluded.until),
    reason = CASE WHEN excluded.until > lane_pauses.until THEN excluded.reason ELSE lane_pauses.reason END
