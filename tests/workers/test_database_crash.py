"""`kill -9` of PostgreSQL under working workers: what was acknowledged is there afterwards, and is sent."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.orders import emails, make_order
from tests.support.outages import OwnServer, own_server
from tests.support.rig import Rig, crew_options, send_options
from tests.support.truths import assert_counters_are_true
from tests.support.until import until
from varsel.contacts.fixed import FixedDirectory
from varsel.model.clock import SystemClock
from varsel.model.ids import new_id
from varsel.model.orders import Order, OrderStatus
from varsel.model.results import Channel
from varsel.storage import orders
from varsel.storage.migrate import migrate
from varsel.storage.outages import is_outage
from varsel.storage.pool import Pool, open_pool
from varsel.workers.crew import CrewOptions

LEASE = timedelta(milliseconds=500)
SOME = 100


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server of its own that outlives power cuts, unlike the one other tests share."""
    with own_server() as running:
        yield running


async def test_nothing_acknowledged_is_lost_when_the_database_is_killed(server: OwnServer) -> None:
    async with await open_pool(server.url, max_size=10) as pool:
        await migrate(pool)
        intake = Intake(pool)
        async with at_work(pool) as rig, intake.open():
            await until(lambda: sent(pool, SOME))
            already = len(intake.acknowledged)

            await server.kill()
            await asyncio.to_thread(server.start)

            await until(lambda: intake.has_gone_on(already))
            intake.close()
            await until(lambda: completed(pool, intake.acknowledged))
        kept = await rig.kept()
        assert {message.recipient for message in kept} >= {f"{order}@example.com" for order in intake.acknowledged}
        assert len({(message.notification_id, message.attempt) for message in kept}) == len(kept)
        await assert_counters_are_true(pool)


class Intake:
    """Stores order after order, each again and again until the database has acknowledged it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._closed = False
        self.acknowledged: list[UUID] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Take orders in while the block runs."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._store_orders())
            yield
            self.close()

    def close(self) -> None:
        """Take no more."""
        self._closed = True

    async def has_gone_on(self, after: int) -> bool:
        """Tell whether as many orders again have been acknowledged."""
        return len(self.acknowledged) >= after + SOME

    async def _store_orders(self) -> None:
        while not self._closed:
            order_id = new_id()
            order = make_order(emails(str(order_id)), SystemClock().now(), id=order_id)
            while not await self._stored(order):
                continue
            self.acknowledged.append(order_id)

    async def _stored(self, order: Order) -> bool:
        try:
            await orders.insert_many(self._pool, [order])
        except Exception as error:
            if not is_outage(error):
                raise
            return False
        return True


@asynccontextmanager
async def at_work(pool: Pool) -> AsyncIterator[Rig]:
    """Let a crew work while the block runs."""
    rig = Rig(pool, FixedDirectory(None), clock=SystemClock(), options=quick_options())
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.crew.run(stopping))
        try:
            yield rig
        finally:
            stopping.set()


def quick_options() -> CrewOptions:
    """Return options with which everything comes round again soon."""
    soon = replace(send_options(), lease=LEASE, retry_delays=(LEASE,))
    options = crew_options(dict.fromkeys(Channel, soon))
    process = replace(options.process, lease=LEASE, retry_first=LEASE)
    return replace(options, process=process, time_to_record=LEASE)


async def sent(pool: Pool, count: int) -> bool:
    """Tell whether so many messages have been handed over."""
    return bool(await pool.fetchval("SELECT count(*) >= $1 FROM sandbox_messages", count))


async def completed(pool: Pool, order_ids: list[UUID]) -> bool:
    """Tell whether all these orders are through."""
    through = "SELECT count(*) FROM orders WHERE id = ANY($1::uuid[]) AND status = $2"
    return bool(await pool.fetchval(through, order_ids, OrderStatus.Completed) == len(order_ids))
