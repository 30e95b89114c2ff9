"""One look for all workers: whoever has something to do is woken, and nobody else."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.orders import emails, make_order, many
from tests.support.rig import LEASE, NOON, Rig
from tests.support.until import until
from varsel.contacts.fixed import FixedDirectory
from varsel.model.ids import new_id
from varsel.model.lanes import Lane
from varsel.model.orders import Order
from varsel.model.results import Channel, Result
from varsel.storage.pool import Pool
from varsel.storage.reports import ArrivedReport
from varsel.workers.contact import DatabaseContact
from varsel.workers.hints import Hints
from varsel.workers.lookout import Lookout
from varsel.workers.loop import Hint, repeat


@pytest.fixture
def rig(pool: Pool) -> Rig:
    return Rig(pool, FixedDirectory(None))


async def woken(rig: Rig, *, look_ahead: timedelta = timedelta(0)) -> set[str]:
    """Look out, and name those who were woken."""
    hints = Hints()
    contact = DatabaseContact(rig.clock, longest_gap=LEASE)
    assert await Lookout(rig.pool, rig.clock, hints, look_ahead, contact).run_once() is False
    named = {
        "orders": hints.orders,
        "large orders": hints.large_orders,
        "conditional orders": hints.conditional_orders,
        "reports": hints.reports,
        "feed": hints.feed,
        "housekeeping": hints.housekeeping,
    } | {lane.name: hint for lane, hint in hints.lanes.items()}
    return {name for name, hint in named.items() if hint.is_given}


async def test_nobody_is_woken_for_nothing(rig: Rig) -> None:
    assert await woken(rig) == set()


@pytest.mark.parametrize(
    ("order", "name"),
    [
        (make_order(emails("kari"), NOON), "orders"),
        (make_order(many(501), NOON), "large orders"),
        (make_order(emails("kari"), NOON, condition_endpoint="https://example.com/"), "conditional orders"),
    ],
)
async def test_due_orders_wake_whoever_processes_them(rig: Rig, order: Order, name: str) -> None:
    await rig.store(order)
    assert await woken(rig) == {name}


async def test_an_order_wakes_nobody_before_its_time(rig: Rig) -> None:
    await rig.store(make_order(emails("kari"), NOON, send_at=NOON + timedelta(seconds=30)))
    assert await woken(rig) == set()
    assert await woken(rig, look_ahead=timedelta(minutes=1)) == {"orders"}
    rig.hand.turn(timedelta(seconds=30))
    assert await woken(rig) == {"orders"}


@pytest.mark.parametrize("lane", Lane)
async def test_waiting_chunks_wake_their_lane(rig: Rig, lane: Lane) -> None:
    await rig.pool.execute(
        "INSERT INTO chunks (id, lane, first_id, last_id, size, due, deadline) VALUES ($1, $2, $1, $1, 1, $3, $3)",
        new_id(),
        lane,
        NOON,
    )
    assert await woken(rig) == {lane.name}


async def test_reports_wake_whoever_applies_them(rig: Rig) -> None:
    await rig.report(ArrivedReport(Channel.Sms, None, new_id(), Result.SMS_DELIVERED, "raw"))
    assert await woken(rig) == {"reports"}


async def test_orders_that_have_ended_wake_whoever_numbers_the_feed(rig: Rig) -> None:
    await rig.store(make_order(emails("bounced"), NOON))
    await rig.work()
    columns = "order_id, creator, senders_reference, type, status, last_update, recipients"
    await rig.pool.execute(f"INSERT INTO feed_waiting ({columns}) SELECT {columns} FROM feed")
    assert await woken(rig) == {"feed"}


async def test_what_another_process_stored_is_found_by_a_running_crew(rig: Rig) -> None:
    """No hint is given here, as if the order came from a process of its own."""
    stopping = asyncio.Event()
    working = asyncio.create_task(rig.crew.run(stopping))
    order_id = await rig.store(make_order(emails("kari"), NOON))
    await until(rig.kept)
    stopping.set()
    await working
    assert (await rig.state(order_id)).email_generated == 1


async def test_a_worker_that_keeps_failing_goes_on_and_stops_when_it_is_time() -> None:
    looks, stopping, idle = 0, asyncio.Event(), timedelta(hours=1)

    async def fail() -> bool:
        nonlocal looks
        looks += 1
        if looks == 60:
            stopping.set()
        raise LookupError

    await repeat("failing", fail, Hint(), idle, stopping, retry=timedelta(0))
    assert looks == 60


async def test_a_worker_that_rests_after_a_failure_hears_that_it_is_time_to_stop() -> None:
    stopping, failed = asyncio.Event(), asyncio.Event()

    async def fail() -> bool:
        failed.set()
        raise LookupError

    working = asyncio.create_task(repeat("failing", fail, Hint(), timedelta(0), stopping, retry=timedelta(hours=1)))
    await failed.wait()
    stopping.set()
    await working
