"""A database that is away for longer than the lease: what providers answered meanwhile is recorded, and sent once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests.support.lanes import expand
from tests.support.orders import make_order, many
from tests.support.outages import OwnServer, own_server
from tests.support.providers import HeldProvider
from tests.support.rig import Rig, crew_options, send_options
from tests.support.truths import assert_counters_are_true, assert_nothing_is_held
from tests.support.until import until
from varsel.channels.protocol import Accepted, Outcome, Settled
from varsel.contacts.fixed import FixedDirectory
from varsel.model.clock import SystemClock
from varsel.model.results import Channel, Result
from varsel.storage.migrate import migrate
from varsel.storage.pool import Pool, open_pool
from varsel.workers.contact import TIME_TO_RECORD
from varsel.workers.crew import CrewOptions

LEASE = timedelta(seconds=1)
OUTAGE = timedelta(seconds=4)
"""Long enough for the holder to pause for seconds between two attempts to record."""

SIZE = 6
DELIVERED = Settled(Result.EMAIL_DELIVERED)


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server() as running:
        yield running


@dataclass
class Workers:
    """Two workers with pools of their own, and the order they work on."""

    pool: Pool
    rigs: list[Rig]
    providers: list[HeldProvider]
    order: UUID
    group: asyncio.TaskGroup
    stopping: asyncio.Event

    def begin(self, *numbers: int) -> None:
        """Let some of the workers begin."""
        for number in numbers:
            self.group.create_task(self.rigs[number].crew.run(self.stopping))


@asynccontextmanager
async def workers(
    server: OwnServer, *, resend: bool = True, time_to_record: timedelta = TIME_TO_RECORD
) -> AsyncIterator[Workers]:
    """Prepare two workers; when the block is left, everything that is still open is answered and they stop."""
    async with AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(await open_pool(server.url, min_size=1, max_size=5)) for _ in range(2)]
        await migrate(pools[0])
        await pools[0].execute("TRUNCATE orders, order_parts, notifications, chunks, feed_waiting, notification_log")
        clock, providers = SystemClock(), [HeldProvider(), HeldProvider()]
        chosen = replace(options(resend=resend), time_to_record=time_to_record)
        rigs = [
            Rig(pool, FixedDirectory(None), clock=clock, email=provider, options=chosen)
            for pool, provider in zip(pools, providers, strict=True)
        ]
        (order,) = await expand(pools[0], clock, [make_order(many(SIZE), clock.now())])
        group = await stack.enter_async_context(asyncio.TaskGroup())
        at_work = Workers(pools[0], rigs, providers, order, group, asyncio.Event())
        try:
            yield at_work
        finally:
            at_work.stopping.set()
            for provider in providers:
                provider.answer_all(DELIVERED)


def options(*, resend: bool) -> CrewOptions:
    """Return options with leases so short that an outage outlasts them."""
    chosen = crew_options(dict.fromkeys(Channel, replace(send_options(resend=resend), lease=LEASE)))
    return replace(chosen, process=replace(chosen.process, lease=LEASE))


@pytest.mark.parametrize(
    ("before", "after", "resend", "outcome"),
    [((0, 1), (), True, DELIVERED), ((0,), (1,), True, DELIVERED), ((0,), (1,), False, Accepted("reference"))],
    ids=["both were working", "one starts after the outage", "one starts, and nothing is sent again"],
)
async def test_an_answer_of_an_outage_is_recorded_before_anybody_takes_its_lease(
    server: OwnServer, before: tuple[int, ...], after: tuple[int, ...], resend: bool, outcome: Outcome
) -> None:
    async with workers(server, resend=resend) as at_work:
        at_work.begin(*before)
        (holder,) = await until(lambda: in_hand(at_work.providers))
        lapses = await at_work.pool.fetchval("SELECT due FROM chunks WHERE leased")
        await server.kill()
        holder.answer(outcome)
        await until(lambda: has_passed(lapses + OUTAGE))
        await asyncio.to_thread(server.start)
        at_work.begin(*after)

        await until(lambda: recorded(at_work))

        assert sum(len(provider.taken) for provider in at_work.providers) == SIZE
        rows = await at_work.pool.fetch("SELECT result, attempts, lost, assumed FROM notifications")
        expected = Result.EMAIL_DELIVERED if outcome == DELIVERED else Result.EMAIL_SUCCEEDED
        assert {tuple(row) for row in rows} == {(expected, 1, 0, False)}
        await assert_counters_are_true(at_work.pool)
        await until(lambda: nothing_is_leased(at_work.pool))
        await assert_nothing_is_held(at_work.pool)


async def test_a_lease_whose_holder_is_gone_is_taken_over_in_the_end(server: OwnServer) -> None:
    async with workers(server, time_to_record=LEASE) as at_work:
        at_work.begin(0, 1)
        (holder,) = await until(lambda: in_hand(at_work.providers))
        # As if a process held it that died: the holder in sight can no longer renew.
        await at_work.pool.execute("UPDATE chunks SET attempt = attempt + 1")

        (other,) = await until(lambda: with_a_second_copy(at_work.providers))
        other.answer_all(DELIVERED)

        await until(lambda: recorded(at_work))
        holder.answer_all(DELIVERED)
        assert {message.attempt for provider in at_work.providers for message in provider.taken} == {1, 2}


async def in_hand(providers: list[HeldProvider]) -> list[HeldProvider]:
    """Return the provider that has been given the order's messages."""
    return [provider for provider in providers if len(provider.taken) == SIZE]


async def with_a_second_copy(providers: list[HeldProvider]) -> list[HeldProvider]:
    """Return the provider that has been given messages a second time."""
    return [provider for provider in providers if any(message.attempt == 2 for message in provider.taken)]


async def has_passed(moment: datetime) -> bool:
    """Tell whether it is later than `moment`."""
    return SystemClock().now() > moment


async def recorded(at_work: Workers) -> bool:
    """Tell whether no notification of the order waits for its result; False also while the database comes up."""
    try:
        waiting = "SELECT count(*) FROM notifications WHERE order_id = $1 AND result = $2"
        return bool(await at_work.pool.fetchval(waiting, at_work.order, Result.EMAIL_NEW) == 0)
    except Exception:  # noqa: BLE001 - whatever it says while it starts
        return False


async def nothing_is_leased(pool: Pool) -> bool:
    """Tell whether every lease has ended."""
    return bool(await pool.fetchval("SELECT count(*) FROM chunks WHERE leased") == 0)
