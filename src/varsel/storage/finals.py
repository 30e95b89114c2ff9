"""What is written once, in the transaction in which an order ends: its feed entry and its log rows."""

from collections.abc import Sequence
from uuid import UUID

from varsel.storage import queries
from varsel.storage.pool import Connection

_SQL = queries.load("finals")


async def record(connection: Connection, order_ids: Sequence[UUID]) -> None:
    """Freeze the feed entries of orders that have just ended, and log their notifications."""
    if order_ids:
        await connection.execute(_SQL["feed"], order_ids)
        await connection.execute(_SQL["log"], order_ids)
