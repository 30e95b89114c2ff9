"""`kill -9` of a worker over an order with a send condition: it is asked again unless its first part was stored."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest

from tests.support.condition_endpoint import ConditionEndpoint
from tests.support.dying_worker import NAME, DyingWorkers
from tests.support.orders import emails, make_order
from tests.support.rig import LEASE, NOON, Rig
from tests.support.truths import assert_nothing_is_held
from tests.support.until import until
from varsel.contacts.fixed import FixedDirectory
from varsel.model.orders import OrderStatus
from varsel.storage.pool import Pool

LATER = NOON + LEASE + timedelta(seconds=1)


@pytest.fixture(scope="module")
def workers() -> Iterator[DyingWorkers]:
    with DyingWorkers() as started:
        yield started


async def test_a_crash_between_asking_and_expanding_asks_again(
    workers: DyingWorkers, pool: Pool, database_url: str
) -> None:
    questions = list[tuple[int, int]]()
    was_expanded = False
    for dies_after in count(1):
        if was_expanded:  # dying later is the subject of test_crash
            break
        await pool.execute("TRUNCATE orders, order_parts, sandbox_messages, feed_waiting")
        async with ConditionEndpoint() as endpoint:
            rig = Rig(pool, FixedDirectory(None), now=LATER)
            order = await rig.store(make_order(emails("kari"), NOON, condition_endpoint=endpoint.url()))
            assert not await asyncio.to_thread(workers.survives, database_url, NOON, dies_after=dies_after)
            await until(lambda: nobody_is_connected(pool))
            asked = len(endpoint.received)
            was_expanded = (await rig.state(order)).email_generated == 1

            await rig.work()

            questions.append((asked, len(endpoint.received) - asked))
        assert (await rig.state(order)).status is OrderStatus.Completed
        assert [kept.recipient for kept in await rig.kept()] == ["kari@example.com"]
        await assert_nothing_is_held(pool)

    first, *between, last = questions
    assert first == (0, 1), "dead after the claim"
    assert set(between) == {(1, 1)}, "dead between the answer and the first part's commit"
    assert last == (1, 0), "dead after that commit"


async def nobody_is_connected(pool: Pool) -> bool:
    """Tell whether the server has noticed a worker's end."""
    connected = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1)"
    return not await pool.fetchval(connected, NAME)
