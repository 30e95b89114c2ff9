"""The status feed: entries numbered in the order in which they become visible, read page by page."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from asyncpg import Record

from varsel.model.orders import OrderStatus, OrderType
from varsel.model.results import Result
from varsel.storage import queries
from varsel.storage.numbers import ORDER_STATUSES, ORDER_TYPES
from varsel.storage.pool import Connection, Pool

_SQL = queries.load("feed")
_NEWEST = (1 << 63) - 1
_PAGE_BYTES = 2_000_000
"""Size of the entries (as stored, often compressed) after which a page ends, so that no page outgrows memory."""


class FeedRecipient(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a notification went and what became of it, as it was when the order ended (microseconds since 1970)."""

    destination: str
    result: Result
    last_update: int


_recipients = msgspec.json.Decoder(list[FeedRecipient])


class FeedEntry(NamedTuple):
    """The end of one order."""

    number: int
    order_id: UUID
    senders_reference: str | None
    type: OrderType
    status: OrderStatus
    last_update: datetime
    recipients: Sequence[FeedRecipient]


async def number(connection: Connection, *, at_most: int, at_most_bytes: int) -> int:
    """Give entries that wait for it their numbers; return how many (0: none waited).

    `at_most_bytes` is the size of the entries as stored, often compressed, after which a set ends.
    """
    numbered: int | None = await connection.fetchval(*_SQL["number"].of(at_most=at_most, at_most_bytes=at_most_bytes))
    return numbered or 0


async def after(pool: Pool, creator: str, position: int, *, limit: int) -> list[FeedEntry]:
    """Read a creator's entries with higher numbers than `position`, rising.

    There may be fewer than `limit` although more follow: entries of orders with very many recipients are large.
    """
    return await _page(pool, "ascending", creator, position, limit)


async def before(pool: Pool, creator: str, position: int | None, *, limit: int) -> list[FeedEntry]:
    """Read a creator's entries with lower numbers than `position` (None: from the newest), falling; as `after`."""
    below = _NEWEST if position is None else position
    return await _page(pool, "descending", creator, below, limit)


async def _page(pool: Pool, direction: str, creator: str, position: int, limit: int) -> list[FeedEntry]:
    statement = _SQL[direction].of(creator=creator, position=position, limit=limit, at_most_bytes=_PAGE_BYTES)
    return [_entry(row) for row in await pool.fetch(*statement)]


def _entry(row: Record) -> FeedEntry:
    number, order_id, reference, order_type, status, last_update, recipients = row
    frozen = _recipients.decode(recipients)
    return FeedEntry(number, order_id, reference, ORDER_TYPES[order_type], ORDER_STATUSES[status], last_update, frozen)
