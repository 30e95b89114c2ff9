"""The status feed: entries numbered in the order in which they become visible, read page by page."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
from asyncpg import Record

from varsel.model.orders import OrderStatus, OrderType
from varsel.model.results import Result
from varsel.storage import queries
from varsel.storage.pool import Connection, Pool

_SQL = queries.load("feed")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEWEST = (1 << 63) - 1
_PAGE_BYTES = 2_000_000
"""Size of the entries (as stored, often compressed) after which a page ends, so that no page outgrows memory."""

_RESULTS = {result.value: result for result in Result}

_recipients = msgspec.json.Decoder(list[tuple[str, int, int]])


class FeedRecipient(NamedTuple):
    """Where a notification went and what became of it, as it was when the order ended."""

    destination: str
    result: Result
    last_update: datetime


class FeedEntry(NamedTuple):
    """The end of one order."""

    number: int
    order_id: UUID
    senders_reference: str | None
    type: OrderType
    status: OrderStatus
    last_update: datetime
    recipients: Sequence[FeedRecipient]


async def number(connection: Connection, *, at_most: int) -> int:
    """Give entries that wait for it their numbers; return how many (0: none waited)."""
    numbered: int | None = await connection.fetchval(_SQL["number"], at_most)
    return numbered or 0


async def after(pool: Pool, creator: str, position: int, *, limit: int) -> list[FeedEntry]:
    """Read a creator's entries with higher numbers than `position`, rising.

    There may be fewer than `limit` although more follow: entries of orders with very many recipients are large.
    """
    return [_entry(row) for row in await pool.fetch(_SQL["ascending"], creator, position, limit, _PAGE_BYTES)]


async def before(pool: Pool, creator: str, position: int | None, *, limit: int) -> list[FeedEntry]:
    """Read a creator's entries with lower numbers than `position` (None: from the newest), falling; as `after`."""
    below = _NEWEST if position is None else position
    return [_entry(row) for row in await pool.fetch(_SQL["descending"], creator, below, limit, _PAGE_BYTES)]


def _entry(row: Record) -> FeedEntry:
    number, order_id, reference, order_type, status, last_update, recipients = row
    frozen = [
        FeedRecipient(destination, _RESULTS[result], _EPOCH + timedelta(microseconds=at))
        for destination, result, at in _recipients.decode(recipients)
    ]
    return FeedEntry(number, order_id, reference, OrderType(order_type), OrderStatus(status), last_update, frozen)
