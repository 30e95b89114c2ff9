"""Forgetting: what has been kept long enough is removed, in small transactions, so that nobody waits for it."""

from datetime import datetime
from uuid import UUID

from varsel.model.ids import lowest_id
from varsel.model.orders import OrderStatus
from varsel.storage import queries
from varsel.storage.pool import Pool

_SQL = queries.load("retention")
_ENDED = [OrderStatus.Completed, OrderStatus.SendConditionNotMet, OrderStatus.Cancelled]
_ORDERS_AT_ONCE = 200
_ROWS_AT_ONCE = 5_000


async def remove_orders(pool: Pool, *, ended_before: datetime) -> int:
    """Remove one set of orders that ended before, with all that belongs to them; return how many (0: none left).

    An order goes last, after its notifications and parts: a stop in between is taken up again.
    """
    rows = await pool.fetch(_SQL["ended_orders"], lowest_id(ended_before), ended_before, _ENDED, _ORDERS_AT_ONCE)
    ids: list[UUID] = [row["id"] for row in rows]
    if ids:
        await _remove_all(pool, "remove_notifications", ids)
        await _remove_all(pool, "remove_log", ids)
        await _remove_all(pool, "remove_parts", ids)
        await pool.execute(_SQL["remove_orders"], ids)
    return len(ids)


async def _remove_all(pool: Pool, statement: str, order_ids: list[UUID]) -> None:
    while _count(await pool.execute(_SQL[statement], order_ids, _ROWS_AT_ONCE)) == _ROWS_AT_ONCE:
        continue


async def remove_chains(pool: Pool, *, created_before: datetime) -> int:
    """Remove one set of old chains, after which their idempotency ids may be used anew; return how many."""
    return _count(await pool.execute(_SQL["remove_chains"], lowest_id(created_before), _ROWS_AT_ONCE))


async def remove_feed_entries(pool: Pool, *, ended_before: datetime) -> int:
    """Remove one set of old feed entries; return how many."""
    return _count(await pool.execute(_SQL["remove_feed_entries"], ended_before, _ROWS_AT_ONCE))


async def remove_reports(pool: Pool, *, received_before: datetime) -> int:
    """Remove one set of delivery reports that are done with; return how many."""
    return _count(await pool.execute(_SQL["remove_reports"], lowest_id(received_before), _ROWS_AT_ONCE))


async def remove_sandbox_messages(pool: Pool, *, kept_before: datetime) -> int:
    """Remove one set of old sandbox messages; return how many."""
    return _count(await pool.execute(_SQL["remove_sandbox_messages"], lowest_id(kept_before), _ROWS_AT_ONCE))


async def trim_sandbox_messages(pool: Pool, *, keep_newest: int) -> int:
    """Remove all but the newest sandbox messages; return how many."""
    return _count(await pool.execute(_SQL["trim_sandbox_messages"], keep_newest))


def _count(command_tag: str) -> int:
    """Read the number of rows off PostgreSQL's answer, such as `DELETE 42`."""
    return int(command_tag.rpartition(" ")[2])
