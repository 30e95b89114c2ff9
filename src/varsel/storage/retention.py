"""Forgetting: what has been kept long enough is removed, in small transactions, so that nobody waits for it."""

from datetime import datetime
from uuid import UUID

from varsel.model.ids import lowest_id
from varsel.model.orders import OrderStatus
from varsel.storage import queries
from varsel.storage.pool import Connection, Pool
from varsel.storage.transactions import in_transaction

_SQL = queries.load("retention")
_ENDED = [OrderStatus.Completed, OrderStatus.SendConditionNotMet, OrderStatus.Cancelled]
_ORDERS_AT_ONCE = 200
_ROWS_AT_ONCE = 5_000


async def remove_orders(pool: Pool, *, ended_before: datetime) -> int:
    """Remove one set of orders that ended before, with all that belongs to them; return how many (0: none left).

    What the feed and the log say of them stays: those have ages of their own. An order goes last, after its
    notifications and parts: a stop in between is taken up again. With the last order of a chain goes the chain, and
    only then may its idempotency id be used anew.
    """
    statement = _SQL["ended_orders"].of(
        lowest_id=lowest_id(ended_before), ended_before=ended_before, ended=_ENDED, limit=_ORDERS_AT_ONCE
    )
    rows = await pool.fetch(*statement)
    ids: list[UUID] = [row["id"] for row in rows]
    if ids:
        await _remove_all(pool, "remove_notifications", ids)
        await _remove_all(pool, "remove_parts", ids)
        await in_transaction(pool, lambda connection: _remove_heads(connection, ids))
    return len(ids)


async def _remove_heads(connection: Connection, order_ids: list[UUID]) -> None:
    """Remove the orders' own rows, and the chains that have none left.

    Chains are asked about at no other time: one that waits for a late reminder costs nothing until it is the last.
    """
    rows = await connection.fetch(*_SQL["remove_orders"].of(order_ids=order_ids))
    if chain_ids := list({row["chain_id"] for row in rows} - {None}):
        await connection.execute(*_SQL["lock_chains"].of(chain_ids=chain_ids))
        await connection.execute(*_SQL["remove_chains"].of(chain_ids=chain_ids))


async def _remove_all(pool: Pool, statement: str, order_ids: list[UUID]) -> None:
    while await _removed(pool, statement, order_ids=order_ids, limit=_ROWS_AT_ONCE) == _ROWS_AT_ONCE:
        continue


async def remove_feed_entries(pool: Pool, *, ended_before: datetime) -> int:
    """Remove one set of old feed entries; return how many."""
    return await _removed(pool, "remove_feed_entries", ended_before=ended_before, limit=_ROWS_AT_ONCE)


async def remove_log(pool: Pool, *, ended_before: datetime) -> int:
    """Remove one set of the log's rows, of notifications that got their result before; return how many."""
    return await _removed(
        pool, "remove_log", lowest_id=lowest_id(ended_before), ended_before=ended_before, limit=_ROWS_AT_ONCE
    )


async def remove_reports(pool: Pool, *, received_before: datetime) -> int:
    """Remove one set of delivery reports that are done with; return how many."""
    return await _removed(pool, "remove_reports", lowest_id=lowest_id(received_before), limit=_ROWS_AT_ONCE)


async def remove_sandbox_messages(pool: Pool, *, kept_before: datetime) -> int:
    """Remove one set of old sandbox messages; return how many."""
    return await _removed(pool, "remove_sandbox_messages", lowest_id=lowest_id(kept_before), limit=_ROWS_AT_ONCE)


async def trim_sandbox_messages(pool: Pool, *, keep_newest: int) -> int:
    """Remove all but the newest sandbox messages; return how many."""
    return await _removed(pool, "trim_sandbox_messages", keep=keep_newest)


async def remove_answers(pool: Pool, *, until: datetime) -> int:
    """Remove one set of directories' answers that were of use until then at most; return how many."""
    return await _removed(pool, "remove_answers", until=until, limit=_ROWS_AT_ONCE)


async def _removed(pool: Pool, statement: str, **values: object) -> int:
    """Run a statement and read the number of rows off PostgreSQL's answer, such as `DELETE 42`."""
    answer = await pool.execute(*_SQL[statement].of(**values))
    return int(answer.rpartition(" ")[2])
