"""Leases: work belongs to one worker at a time, comes back when that one is gone, and its facts stay true."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.support.lanes import email_lane, expand
from tests.support.orders import emails, make_order, many
from tests.support.providers import HeldProvider, ScriptedProvider
from tests.support.rig import LEASE, NOON, Rig, send_options
from tests.support.truths import assert_counters_are_true, assert_nothing_is_held
from tests.support.until import until
from varsel.channels.protocol import Accepted, EmailMessage, Outcome, Settled, Transient
from varsel.contacts.fixed import FixedDirectory
from varsel.model.clock import HandTurnedClock, SystemClock
from varsel.model.lanes import Lane
from varsel.model.orders import EmailText, OrderStatus, OrderTexts
from varsel.model.results import Channel, Result
from varsel.storage import chunks
from varsel.storage.pool import Pool, open_pool
from varsel.storage.reports import ArrivedReport

DELIVERED = Settled(Result.EMAIL_DELIVERED)
SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(NOON)


@pytest.fixture
def rig(pool: Pool, clock: HandTurnedClock) -> Rig:
    return Rig(pool, FixedDirectory(None), clock=clock)


# --- taken over


async def test_a_holder_that_lost_its_lease_sends_no_further_window(
    pool: Pool, clock: HandTurnedClock, rig: Rig
) -> None:
    (order,) = await expand(pool, clock, [make_order(many(3), NOON)])
    late, quick = HeldProvider(window=1), HeldProvider()
    old, new = email_lane(pool, late, clock), email_lane(pool, quick, clock)
    await old.run_once()
    await late.called()

    clock.turn(LEASE)
    assert await new.run_once()
    await quick.called()
    late.answer(DELIVERED)
    await old.settle_down()
    quick.answer(DELIVERED)
    await new.settle_down()

    assert len(late.taken) == 1
    assert len(quick.taken) == 3
    assert (await rig.state(order)).status is OrderStatus.Completed
    await assert_counters_are_true(pool)
    await assert_nothing_is_held(pool)


async def test_a_holder_that_lost_its_lease_does_not_end_the_next_ones(
    pool: Pool, clock: HandTurnedClock, rig: Rig
) -> None:
    await expand(pool, clock, [make_order(many(3), NOON)])
    late, quick = HeldProvider(), HeldProvider()
    old, new = email_lane(pool, late, clock), email_lane(pool, quick, clock)
    await old.run_once()
    await late.called()
    clock.turn(LEASE)
    await new.run_once()
    await quick.called()

    late.answer(DELIVERED)
    await old.settle_down()

    assert await pool.fetchval("SELECT leased FROM chunks")
    quick.answer(DELIVERED)
    await new.settle_down()
    assert await pool.fetchval("SELECT sum(attempts) FROM notifications") == 6  # both copies of each
    await assert_counters_are_true(pool)
    await rig.crew.run_until_idle()
    await assert_nothing_is_held(pool)


@pytest.mark.parametrize("reported", [True, False])
async def test_a_late_result_is_recorded_and_followed_to_its_end(
    pool: Pool, clock: HandTurnedClock, rig: Rig, reported: bool
) -> None:
    """What the old holder says comes first here; the new holder's chunk must wait for the report all the same."""
    (order,) = await expand(pool, clock, [make_order(emails("kari"), NOON)])
    late, quick = HeldProvider(), HeldProvider()
    old, new = email_lane(pool, late, clock), email_lane(pool, quick, clock)
    await old.run_once()
    await late.called()
    clock.turn(LEASE)
    await new.run_once()
    await quick.called()

    late.answer(Accepted("reference-1"))
    await old.settle_down()
    quick.answer(Settled(Result.EMAIL_FAILED_BOUNCED))
    await new.settle_down()

    assert [line.result for line in await rig.listed(order)] == [Result.EMAIL_SUCCEEDED]
    await assert_counters_are_true(pool)
    if reported:
        await rig.report(ArrivedReport(Channel.Email, "reference-1", None, Result.EMAIL_DELIVERED, "{}"))
    await rig.crew.run_until_idle()
    clock.turn(timedelta(hours=49))
    await rig.crew.run_until_idle()
    expected = Result.EMAIL_DELIVERED if reported else Result.EMAIL_FAILED_TTL
    assert [line.result for line in await rig.listed(order)] == [expected]
    assert (await rig.state(order)).status is OrderStatus.Completed
    await assert_counters_are_true(pool)
    assert await pool.fetchval("SELECT count(*) FROM chunks") == 0


async def test_a_late_refusal_takes_nothing_out_of_the_next_ones_hands(
    pool: Pool, clock: HandTurnedClock, rig: Rig
) -> None:
    """Facts are recorded whoever holds the lease; plans, such as another try, are the holder's alone."""
    await expand(pool, clock, [make_order(emails("kari"), NOON)])
    late, quick = HeldProvider(), HeldProvider()
    old, new = email_lane(pool, late, clock), email_lane(pool, quick, clock)
    await old.run_once()
    await late.called()
    clock.turn(LEASE)
    await new.run_once()
    await quick.called()
    held = await pool.fetchval("SELECT id FROM chunks WHERE leased")

    late.answer(Transient("450 busy"))
    await old.settle_down()

    assert await pool.fetchval("SELECT chunk_id FROM notifications") == held
    quick.answer(DELIVERED)
    await new.settle_down()
    clock.turn(timedelta(minutes=10))
    await rig.crew.run_until_idle()
    assert await rig.kept() == []  # the late refusal's retry came to nothing
    await assert_nothing_is_held(pool)


async def test_what_an_old_holder_records_in_time_is_not_sent_again(pool: Pool, clock: HandTurnedClock) -> None:
    await expand(pool, clock, [make_order(many(4), NOON)])
    late, quick = HeldProvider(window=2), HeldProvider(window=1)
    old, new = email_lane(pool, late, clock), email_lane(pool, quick, clock)
    await old.run_once()
    await late.called()
    late.answer(DELIVERED)
    await late.called(2)

    clock.turn(LEASE)
    await new.run_once()
    for call in range(1, 3):
        await quick.called(call)
        quick.answer(DELIVERED)
    await new.settle_down()

    first_two, last_two = late.taken[:2], late.taken[2:]
    assert {m.notification_id for m in quick.taken} == {m.notification_id for m in last_two}
    assert not {m.notification_id for m in quick.taken} & {m.notification_id for m in first_two}
    assert {m.attempt for m in quick.taken} == {2}
    late.answer(DELIVERED)
    await old.settle_down()
    await assert_counters_are_true(pool)


# --- kept


async def test_a_slow_provider_does_not_cost_the_lease(pool: Pool) -> None:
    """Renewal runs by real time, hence the real clock; the other worker looks at the very end of the first lease."""
    clock, slow = SystemClock(), HeldProvider()
    options = replace(send_options(), lease=timedelta(milliseconds=150))
    await expand(pool, clock, [make_order(emails("kari"), clock.now())])
    holder = email_lane(pool, slow, clock, options)
    await holder.run_once()
    await slow.called()
    first_end = await pool.fetchval("SELECT due FROM chunks")

    await until(lambda: is_renewed(pool, first_end))

    other = email_lane(pool, HeldProvider(), HandTurnedClock(first_end), options)
    assert not await other.run_once()
    slow.answer(DELIVERED)
    await holder.settle_down()
    assert len(slow.taken) == 1
    await assert_nothing_is_held(pool)


async def is_renewed(pool: Pool, first_end: datetime) -> bool:
    """Tell whether the lease has been moved on."""
    return bool(await pool.fetchval("SELECT due > $1 FROM chunks", first_end))


async def test_orders_in_flight_at_once_keep_their_own_texts(pool: Pool, clock: HandTurnedClock) -> None:
    """Each is sent in several windows while the bundles of the others begin."""
    texts = [OrderTexts(email=EmailText("noreply@example.no", f"Subject {n}", "Body")) for n in range(3)]
    order_ids = await expand(pool, clock, [make_order(many(600), NOON, texts=text) for text in texts])
    provider = ScriptedProvider(lambda _: DELIVERED, window=100)
    lane = email_lane(pool, provider, clock)

    while await lane.run_once():
        continue
    await lane.settle_down()

    assert Counter(message.subject for message in provider.taken) == {f"Subject {n}": 600 for n in range(3)}
    orders_by_notification = {row["id"]: row["order_id"] for row in await pool.fetch("SELECT * FROM notifications")}
    for message in provider.taken:
        assert message.subject == f"Subject {order_ids.index(orders_by_notification[message.notification_id])}"


# --- side by side


async def test_two_workers_on_one_database_send_everything_once(pool: Pool, database_url: str) -> None:
    clock = SystemClock()
    async with await open_pool(database_url) as other_pool:
        rigs = [Rig(each, FixedDirectory(None), clock=clock, window=50) for each in (pool, other_pool)]
        for number in range(200):
            await rigs[0].store(make_order(emails(f"user{number}"), clock.now()))
        await rigs[0].store(make_order(many(1_200), clock.now()))
        stopping = asyncio.Event()
        working = [asyncio.create_task(rig.crew.run(stopping)) for rig in rigs]

        await until(lambda: all_completed(pool))
        stopping.set()
        await asyncio.gather(*working)

        kept = await rigs[0].kept()
    assert len(kept) == 1_400
    assert len({message.notification_id for message in kept}) == 1_400
    assert {message.attempt for message in kept} == {1}
    await assert_counters_are_true(pool)


async def all_completed(pool: Pool) -> bool:
    """Tell whether every order is through."""
    return bool(await pool.fetchval("SELECT bool_and(status = $1) FROM orders", OrderStatus.Completed))


# --- given back


async def test_a_worker_told_to_stop_gives_the_rest_back_at_once(pool: Pool, clock: HandTurnedClock) -> None:
    await expand(pool, clock, [make_order(many(6), NOON)])
    held, rest = HeldProvider(window=2), ScriptedProvider(lambda _: DELIVERED)
    lane = email_lane(pool, held, clock)
    await lane.run_once()
    await held.called()

    stopping = asyncio.create_task(lane.stop())
    held.answer(DELIVERED)
    await stopping

    assert not await lane.run_once()
    other = email_lane(pool, rest, clock)
    assert await other.run_once()
    await other.settle_down()
    assert (len(held.taken), len(rest.taken)) == (2, 4)
    assert {message.attempt for message in rest.taken} == {1}  # given back, so nothing is in doubt
    await assert_nothing_is_held(pool)


async def test_a_provider_that_asks_for_rest_stops_everybody(pool: Pool, clock: HandTurnedClock) -> None:
    await expand(pool, clock, [make_order(many(4), NOON)])
    busy = ScriptedProvider(lambda _: Transient("429", retry_after=timedelta(seconds=90), pause=True), window=1)
    ready = ScriptedProvider(lambda _: DELIVERED)
    first, second = email_lane(pool, busy, clock), email_lane(pool, ready, clock)
    await first.run_once()
    await first.settle_down()
    assert len(busy.taken) == 1  # the others of its bundle were not tried

    clock.turn(timedelta(seconds=89))
    assert not await first.run_once()
    assert not await second.run_once()
    clock.turn(SECOND)
    while await second.run_once():
        await second.settle_down()

    assert len({message.notification_id for message in ready.taken}) == len(ready.taken) == 4
    await assert_counters_are_true(pool)


@pytest.mark.parametrize("seconds", [(90, 30), (30, 90)])
async def test_of_two_pauses_the_longer_one_holds(pool: Pool, clock: HandTurnedClock, seconds: tuple[int, int]) -> None:
    await expand(pool, clock, [make_order(emails("kari"), NOON)])
    for wish in seconds:
        await chunks.pause(pool, Lane.Email, until=NOON + timedelta(seconds=wish), reason=f"{wish} seconds")
    lane = email_lane(pool, ScriptedProvider(lambda _: DELIVERED), clock)

    clock.turn(timedelta(seconds=89))
    assert not await lane.run_once()
    assert await pool.fetchval("SELECT reason FROM lane_pauses") == "90 seconds"
    clock.turn(SECOND)
    assert await lane.run_once()
    await lane.settle_down()


async def test_a_rest_without_a_time_lasts_as_long_as_set(pool: Pool, clock: HandTurnedClock) -> None:
    await expand(pool, clock, [make_order(emails("kari"), NOON)])
    lane = email_lane(pool, ScriptedProvider(lambda _: Transient("535 wrong password", pause=True)), clock)
    await lane.run_once()
    await lane.settle_down()

    assert await pool.fetchval("SELECT until FROM lane_pauses") == NOON + send_options().pause


# --- set aside


async def test_retries_of_different_age_do_not_share_a_chunk(pool: Pool, clock: HandTurnedClock) -> None:
    """A chunk is read by the span of its ids; one that spanned days would read millions of rows to find two."""
    await expand(pool, clock, [make_order(many(2), NOON)])
    await expand(pool, clock, [make_order(many(3), NOON)])
    spans = await pool.fetch("SELECT first_id, last_id FROM chunks ORDER BY id")
    lane = email_lane(pool, ScriptedProvider(lambda _: Transient("450 busy")), clock)

    await lane.run_once()
    await lane.settle_down()

    apart = await pool.fetch("SELECT first_id, last_id, size FROM chunks ORDER BY id")
    assert [(row["first_id"], row["last_id"]) for row in apart] == [tuple(span) for span in spans]
    assert [row["size"] for row in apart] == [2, 3]


async def test_a_provider_that_breaks_its_contract_leaves_doubt_not_loss(
    pool: Pool, clock: HandTurnedClock, rig: Rig
) -> None:
    def broken(_: EmailMessage) -> Outcome:
        raise RuntimeError("a defect of the provider")

    (order,) = await expand(pool, clock, [make_order(many(2), NOON)])
    lane = email_lane(pool, ScriptedProvider(broken), clock)
    await lane.run_once()
    await lane.settle_down()

    clock.turn(timedelta(minutes=5))
    await rig.crew.run_until_idle()

    assert (await rig.state(order)).email_succeeded == 2
    assert {message.attempt for message in await rig.kept()} == {2}
    await assert_counters_are_true(pool)
