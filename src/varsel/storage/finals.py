"""What is done once, in the transaction in which an order ends: its feed entry, its log rows, and what is forgotten."""

from collections.abc import Sequence
from uuid import UUID

from varsel.model.orders import OrderType
from varsel.storage import queries
from varsel.storage.pool import Connection

_SQL = queries.texts("finals")


_MANY = 20_000
_LONGEST_SECONDS = 1_800


async def record(connection: Connection, order_ids: Sequence[UUID], *, notifications: int) -> None:
    """Freeze the feed entries of orders that have just ended, log their notifications, and forget their secrets.

    `notifications` is how many they have together: with many of them more time is allowed than for other statements,
    for what is written here cannot be written later.
    """
    if not order_ids:
        return
    timeout = None
    if notifications > _MANY:
        timeout = float(_LONGEST_SECONDS)
        await connection.execute(f"SET LOCAL statement_timeout = '{_LONGEST_SECONDS}s'")
    composed = await connection.fetch(_SQL["feed"], order_ids, OrderType.Composed, timeout=timeout)
    await connection.execute(_SQL["log"], order_ids, timeout=timeout)
    await forget_attachment_addresses(connection, [row["order_id"] for row in composed])


async def forget_attachment_addresses(connection: Connection, order_ids: Sequence[UUID]) -> None:
    """Remove the pre-signed addresses from composed orders that send nothing any more (integrations.md 4.9)."""
    if order_ids:
        await connection.execute(_SQL["forget_attachment_addresses"], order_ids)
