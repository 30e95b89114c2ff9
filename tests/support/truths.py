"""What must hold of a database at any rest, whatever happened before."""

from varsel.model.orders import OrderStatus
from varsel.model.results import Result, Stage
from varsel.storage.pool import Pool

_FINAL = [result for result in Result if result.facts.stage is Stage.Final]
_SUCCEEDED = [result for result in Result if result.facts.succeeded]

_RECOUNT = """
SELECT count(n.id) FILTER (WHERE n.channel = 0) AS email_generated,
       count(n.id) FILTER (WHERE n.channel = 0 AND n.result = ANY($2::smallint[])) AS email_succeeded,
       count(n.id) FILTER (WHERE n.channel = 1) AS sms_generated,
       count(n.id) FILTER (WHERE n.channel = 1 AND n.result = ANY($2::smallint[])) AS sms_succeeded,
       count(n.id) FILTER (WHERE n.result <> ALL($1::smallint[])) AS pending
FROM orders o LEFT JOIN notifications n ON n.order_id = o.id
GROUP BY o.id
ORDER BY o.id
"""
_KEPT = """
SELECT email_generated, email_succeeded, sms_generated, sms_succeeded, pending, status FROM orders ORDER BY id
"""


async def assert_counters_are_true(pool: Pool) -> None:
    """Check every order's counters, and whether it is Completed, against its notifications counted one by one."""
    counted = await pool.fetch(_RECOUNT, _FINAL, _SUCCEEDED)
    for kept, recount in zip(await pool.fetch(_KEPT), counted, strict=True):
        *counters, status = kept.values()
        assert counters == list(recount.values())
        if status in (OrderStatus.Processed, OrderStatus.Completed):
            assert (status == OrderStatus.Completed) == (recount["pending"] == 0)


async def assert_nothing_is_held(pool: Pool) -> None:
    """Check that no lease is left and nothing waits for a worker."""
    assert await pool.fetchval("SELECT count(*) FROM chunks WHERE leased OR due IS NOT NULL") == 0
    assert await pool.fetchval("SELECT count(*) FROM orders WHERE due IS NOT NULL") == 0
