"""One look at everything that may be due, instead of one look for each kind of work."""

from datetime import datetime, timedelta
from typing import NamedTuple

from varsel.model.lanes import Lane
from varsel.storage import queries
from varsel.storage.orders import Queue
from varsel.storage.pool import Pool

_SQL = queries.load("lookout")


class Waiting(NamedTuple):
    """Which kinds of work lie due."""

    queues: frozenset[Queue]
    lanes: frozenset[Lane]
    reports: bool
    feed: bool


async def look(pool: Pool, *, now: datetime, look_ahead: timedelta) -> Waiting:
    """Tell what is due at `now`; orders already when they are due within `look_ahead`."""
    ((queues, lanes, reports, feed),) = await pool.fetch(
        *_SQL["waiting"].of(orders_due=now + look_ahead, now=now, queues=list(Queue), lanes=list(Lane))
    )
    return Waiting(frozenset(map(Queue, queues)), frozenset(map(Lane, lanes)), reports, feed)
