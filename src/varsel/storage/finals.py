"""What is done once, in the transaction in which an order ends: its feed entry, its log rows, and what is forgotten."""

from collections.abc import Sequence
from uuid import UUID

from varsel.model.orders import OrderType
from varsel.storage import queries
from varsel.storage.pool import Connection

_SQL = queries.load("finals")


async def record(connection: Connection, order_ids: Sequence[UUID]) -> None:
    """Freeze the feed entries of orders that have just ended, log their notifications, and forget their secrets."""
    if not order_ids:
        return
    composed = await connection.fetch(_SQL["feed"], order_ids, OrderType.Composed)
    await connection.execute(_SQL["log"], order_ids)
    await forget_attachment_addresses(connection, [row["order_id"] for row in composed])


async def forget_attachment_addresses(connection: Connection, order_ids: Sequence[UUID]) -> None:
    """Remove the pre-signed addresses from composed orders that send nothing any more (integrations.md 4.9)."""
    if order_ids:
        await connection.execute(_SQL["forget_attachment_addresses"], order_ids)
