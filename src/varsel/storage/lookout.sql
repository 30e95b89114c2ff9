-- name: waiting
-- What lies due, in one look for all workers of a process. The least `due` is the first entry of an index that holds
-- live rows only; an EXISTS may be planned as a walk through any other. Whether what is due may be taken (paused
-- lanes, leases that run out) is for the claiming statements to say.
SELECT ARRAY(
           SELECT wanted.queue FROM unnest(:queues::smallint[]) AS wanted (queue)
           WHERE (SELECT min(o.due) FROM orders o WHERE o.queue = wanted.queue AND o.due <= :orders_due) IS NOT NULL
       ) AS queues,
       ARRAY(
           SELECT wanted.lane FROM unnest(:lanes::smallint[]) AS wanted (lane)
           WHERE (SELECT min(c.due) FROM chunks c WHERE c.lane = wanted.lane AND c.due <= :now) IS NOT NULL
       ) AS lanes,
       (SELECT min(due) FROM delivery_reports WHERE due <= :now) IS NOT NULL AS reports,
       EXISTS (SELECT FROM feed_waiting) AS feed
