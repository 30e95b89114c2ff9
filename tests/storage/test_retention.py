"""Forgetting: orders by their age, a chain with the last of its orders, feed and log each by an age of its own."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.support.chains import chain_of
from tests.support.orders import emails, make_order
from tests.support.rig import Rig
from tests.support.until import until
from varsel.contacts.fixed import FixedDirectory
from varsel.model.chains import Chain, DialogAssociation, Family
from varsel.model.orders import OrderType
from varsel.storage import chains, feed, retention
from varsel.storage.pool import Pool

NOW = datetime.now(UTC).replace(microsecond=0)
"""Ids are minted by the machine's clock, and they tell what is old: so these tests begin at *its* now."""

KEPT = timedelta(days=400)
"""How long a rig keeps orders that have ended."""

LOGGED = timedelta(days=700)
"""How long it keeps the notification log."""

LATE = timedelta(days=500)
"""The delay of a reminder that is still to come when its main order has long been forgotten."""


@pytest.fixture
def rig(pool: Pool) -> Rig:
    return Rig(pool, FixedDirectory(None), now=NOW)


def chain(*, reminded_after: timedelta | None = None) -> Chain:
    """Make a chain of a dialog, to be sent now, with one reminder or none."""
    reminders = []
    if reminded_after is not None:
        reminders.append(make_order(emails("kari"), NOW, send_at=NOW + reminded_after, type=OrderType.Reminder))
    made = chain_of(make_order(emails("kari"), NOW), NOW, reminders)
    return msgspec.structs.replace(made, dialog=DialogAssociation("dialog", "transmission"))


async def is_known(pool: Pool) -> bool:
    """Tell whether the idempotency id of the test's chain is taken."""
    (known,) = await chains.find(pool, [("ttd", Family.CHAIN, "one")])
    return known is not None


async def count(pool: Pool, table: str) -> int:
    """Count a table's rows."""
    counted: int = await pool.fetchval(f"SELECT count(*) FROM {table}")
    return counted


async def test_a_chain_goes_with_its_order_and_its_id_may_be_used_anew(rig: Rig, pool: Pool) -> None:
    await chains.insert_many(pool, [chain()])
    await rig.work()

    await rig.work(after=KEPT - timedelta(days=1))
    assert await is_known(pool)
    await rig.work(after=timedelta(days=2))

    assert await count(pool, "chains") == 0
    assert await chains.insert_many(pool, [chain()]) == [None]


async def test_an_id_is_held_as_long_as_a_reminder_is_to_come(rig: Rig, pool: Pool) -> None:
    """The main order is forgotten before its reminder is sent; an equal request must not begin the chain anew."""
    placed = chain(reminded_after=LATE)
    await chains.insert_many(pool, [placed])
    await rig.work()

    await rig.work(after=KEPT + timedelta(days=1))

    assert [row["id"] for row in await pool.fetch("SELECT id FROM orders")] == [placed.reminders[0].id]
    assert (await chains.insert_many(pool, [chain(reminded_after=LATE)]))[0] is not None
    assert await count(pool, "orders") == 1


async def test_a_late_reminder_is_logged_with_its_dialog_and_then_takes_the_chain_along(rig: Rig, pool: Pool) -> None:
    placed = chain(reminded_after=LATE)
    await chains.insert_many(pool, [placed])
    for turn in (timedelta(0), KEPT + timedelta(days=1), LATE - KEPT):
        await rig.work(after=turn)

    (logged,) = await pool.fetch(
        "SELECT chain_id, dialog_id, transmission_id FROM notification_log WHERE shipment_id = $1",
        placed.reminders[0].id,
    )
    assert tuple(logged) == (placed.id, "dialog", "transmission")
    assert await is_known(pool)

    await rig.work(after=KEPT + timedelta(days=1))
    assert [await count(pool, table) for table in ("orders", "chains")] == [0, 0]


async def test_who_removes_the_last_two_orders_of_a_chain_at_once_leaves_no_chain(rig: Rig, pool: Pool) -> None:
    """Neither sees that the other's order is going, so the later one waits until the earlier one is through."""
    placed = chain(reminded_after=timedelta(days=1))
    await chains.insert_many(pool, [placed])
    for turn in (timedelta(0), timedelta(days=1)):
        await rig.work(after=turn)
    statements = retention._SQL  # what `remove_orders` says, stopped in the middle
    async with pool.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await other.fetch(*statements["remove_orders"].of(order_ids=[placed.main.id]))
        await other.execute(*statements["lock_chains"].of(chain_ids=[placed.id]))

        removing = asyncio.create_task(retention.remove_orders(pool, ended_before=NOW + timedelta(days=2)))
        await until(lambda: pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))
        await other.execute(*statements["remove_chains"].of(chain_ids=[placed.id]))
        await transaction.commit()
        await removing

    assert [await count(pool, table) for table in ("orders", "chains")] == [0, 0]


async def test_orders_without_a_chain_are_removed_too(rig: Rig, pool: Pool) -> None:
    await rig.store(make_order(emails("kari"), NOW))
    await chains.insert_many(pool, [chain()])
    await rig.work()

    assert await retention.remove_orders(pool, ended_before=NOW + timedelta(days=1)) == 2
    assert await retention.remove_orders(pool, ended_before=NOW + timedelta(days=1)) == 0

    tables = ("orders", "order_parts", "notifications", "chains")
    assert [await count(pool, table) for table in tables] == [0] * len(tables)


async def test_the_feed_of_a_chain_outlives_neither_its_age_nor_needs_its_orders(rig: Rig, pool: Pool) -> None:
    """Entries are frozen: they stay readable for their ninety days, whatever becomes of their orders."""
    placed = chain(reminded_after=timedelta(days=60))
    await chains.insert_many(pool, [placed])
    for turn in (timedelta(0), timedelta(days=60)):
        await rig.work(after=turn)
    await retention.remove_orders(pool, ended_before=rig.clock.now() + timedelta(days=1))

    assert [entry.order_id for entry in await feed.after(pool, "ttd", 0, limit=9)] == [
        order.id for order in placed.orders
    ]
    await rig.work(after=timedelta(days=30, seconds=1))
    assert [entry.order_id for entry in await feed.after(pool, "ttd", 0, limit=9)] == [placed.reminders[0].id]
    await rig.work(after=timedelta(days=60))
    assert await feed.after(pool, "ttd", 0, limit=9) == []


async def test_the_log_outlives_its_order_and_goes_by_its_own_age(rig: Rig, pool: Pool) -> None:
    await chains.insert_many(pool, [chain()])
    await rig.store(make_order(emails("kari", "never-reported"), NOW))
    await rig.work()
    await rig.work(after=timedelta(days=3))  # by when the one that nobody reported has ended too
    assert await count(pool, "notification_log") == 3

    await rig.work(after=KEPT + timedelta(days=1))
    assert [await count(pool, table) for table in ("orders", "notification_log")] == [0, 3]
    await rig.work(after=LOGGED - KEPT - timedelta(days=3))
    assert await pool.fetchval("SELECT destination FROM notification_log") == "never-reported@example.com"
    await rig.work(after=timedelta(days=3))
    assert await count(pool, "notification_log") == 0


async def test_the_log_may_be_kept_shorter_than_its_order(rig: Rig, pool: Pool) -> None:
    await rig.store(make_order(emails("kari"), NOW))
    await rig.work()

    assert await retention.remove_log(pool, ended_before=NOW + timedelta(days=1)) == 1

    assert [await count(pool, table) for table in ("orders", "notification_log")] == [1, 0]
