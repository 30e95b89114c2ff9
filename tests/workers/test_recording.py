"""Recording: what the database refuses costs only itself, and what is refused together does not return together."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.lanes import email_lane, expand
from tests.support.orders import emails, make_order, many
from tests.support.providers import ScriptedProvider
from tests.support.rig import NOON, Rig
from tests.support.truths import assert_counters_are_true, assert_nothing_is_held
from varsel.channels.protocol import Accepted, EmailMessage, Outcome, Settled, Transient, Unknown
from varsel.contacts.fixed import FixedDirectory
from varsel.model.clock import HandTurnedClock
from varsel.model.ids import new_ids
from varsel.model.orders import OrderStatus
from varsel.model.results import Result
from varsel.storage.notifications import Unsent
from varsel.storage.pool import Pool
from varsel.workers.recording import by_due_time

DELIVERED = Settled(Result.EMAIL_DELIVERED)
TWO_DAYS = timedelta(hours=48)
GUILTY = "user7@example.com"


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(NOON)


@pytest.fixture
def rig(pool: Pool, clock: HandTurnedClock) -> Rig:
    return Rig(pool, FixedDirectory(None), clock=clock)


def guilty(outcome: Outcome, others: Outcome = DELIVERED) -> Callable[[EmailMessage], Outcome]:
    """Answer one message with `outcome`."""
    return lambda message: outcome if message.to_address == GUILTY else others


async def send_for_two_days(pool: Pool, clock: HandTurnedClock, provider: ScriptedProvider) -> None:
    """Send whatever comes due until everything has expired."""
    lane = email_lane(pool, provider, clock)
    end = clock.now() + TWO_DAYS
    while clock.now() < end:
        while await lane.run_once():
            await lane.settle_down()
        clock.turn(timedelta(minutes=10))


# --- what cannot be kept


@pytest.mark.parametrize(
    "outcome",
    [
        Accepted("R" * 8_000),
        Accepted("R\0"),
        Accepted("R\ud800"),
        Settled(Result.EMAIL_FAILED_BOUNCED, "550 \0\udfff" + "no" * 5_000, "R" * 8_000),
        Transient("450 \0\ud800" + "busy" * 5_000),
        Unknown("502 \0\ud800" + "lost" * 5_000),
    ],
)
async def test_a_provider_that_says_what_cannot_be_kept_has_everything_sent_once(
    pool: Pool, clock: HandTurnedClock, outcome: Outcome
) -> None:
    await expand(pool, clock, [make_order(many(50), NOON)])
    provider = ScriptedProvider(guilty(outcome, Accepted("reference")))
    lane = email_lane(pool, provider, clock)

    await lane.run_once()
    await lane.settle_down()

    rows = await pool.fetch("SELECT address, result, attempts, reference FROM notifications")
    assert len(rows) == 50
    assert {row["attempts"] for row in rows} == {1}
    others = [row for row in rows if row["address"] != GUILTY]
    assert {(row["result"], row["reference"]) for row in others} == {(Result.EMAIL_SUCCEEDED, "reference")}
    assert {row["reference"] for row in rows if row["address"] == GUILTY} == {None}
    assert len(provider.taken) == 50
    await assert_counters_are_true(pool)


@pytest.mark.parametrize("refused", ["detail <> 'odd'", "reference <> 'odd'"])
async def test_one_value_that_the_database_refuses_is_left_out_and_its_neighbours_are_recorded(
    pool: Pool, clock: HandTurnedClock, rig: Rig, refused: str
) -> None:
    (order,) = await expand(pool, clock, [make_order(many(50), NOON)])
    await pool.execute(f"ALTER TABLE notifications ADD CHECK ({refused})")
    provider = ScriptedProvider(guilty(Settled(Result.EMAIL_FAILED_BOUNCED, "odd", "odd")))

    await send_for_two_days(pool, clock, provider)

    assert len(provider.taken) == 50
    rows = await pool.fetch("SELECT result, attempts, detail, reference FROM notifications WHERE address = $1", GUILTY)
    assert [tuple(row) for row in rows] == [(Result.EMAIL_FAILED_BOUNCED, 1, None, None)]
    assert (await rig.state(order)).status is OrderStatus.Completed
    assert (await rig.state(order)).email_succeeded == 49
    await assert_counters_are_true(pool)
    await assert_nothing_is_held(pool)


async def test_a_result_that_cannot_be_recorded_at_all_is_not_sent_again(
    pool: Pool, clock: HandTurnedClock, rig: Rig
) -> None:
    (order,) = await expand(pool, clock, [make_order(many(50), NOON)])
    await pool.execute("ALTER TABLE notifications ADD CONSTRAINT odd CHECK (result <> 60)")
    provider = ScriptedProvider(guilty(Settled(Result.EMAIL_FAILED_BOUNCED)))

    await send_for_two_days(pool, clock, provider)
    assert len(provider.taken) == 50
    assert (await rig.state(order)).email_succeeded == 49

    clock.turn(timedelta(hours=1))
    await rig.crew.run_until_idle()
    listed = await rig.listed(order)
    assert [line.result for line in listed if line.address == GUILTY] == [Result.EMAIL_FAILED_TTL]
    assert (await rig.state(order)).status is OrderStatus.Completed
    await assert_counters_are_true(pool)


async def test_a_retry_of_a_set_that_is_recorded_row_by_row_is_made(pool: Pool, clock: HandTurnedClock) -> None:
    await expand(pool, clock, [make_order(many(5), NOON)])
    await pool.execute("ALTER TABLE notifications ADD CHECK (detail <> 'odd')")
    provider = ScriptedProvider(lambda message: Transient("odd") if message.attempt == 1 else DELIVERED)

    await send_for_two_days(pool, clock, provider)

    assert sorted(message.attempt for message in provider.taken) == [1] * 5 + [2] * 5
    await assert_counters_are_true(pool)
    await assert_nothing_is_held(pool)


async def test_a_deadline_that_cannot_be_recorded_does_not_stop_the_others(
    pool: Pool, clock: HandTurnedClock, rig: Rig
) -> None:
    stuck, other = await expand(pool, clock, [make_order(emails("kari"), NOON), make_order(emails("ola"), NOON)])
    await pool.execute("ALTER TABLE notifications ADD CHECK (result <> 63 OR address <> 'kari@example.com')")
    await pool.execute("UPDATE chunks SET due = NULL")

    clock.turn(timedelta(hours=49))
    await rig.crew.run_until_idle()

    assert (await rig.state(other)).status is OrderStatus.Completed
    assert (await rig.state(stuck)).status is OrderStatus.Processed
    await assert_counters_are_true(pool)


async def test_a_message_that_cannot_be_composed_costs_its_neighbours_nothing(
    pool: Pool, clock: HandTurnedClock, rig: Rig
) -> None:
    whole, broken = await expand(pool, clock, [make_order(many(3), NOON), make_order(many(2), NOON)])
    await pool.execute("UPDATE order_parts SET texts = '{}' WHERE order_id = $1", broken)
    provider = ScriptedProvider(lambda _: DELIVERED)

    await send_for_two_days(pool, clock, provider)
    await rig.crew.run_until_idle()

    assert len(provider.taken) == 3
    assert (await rig.state(whole)).email_succeeded == 3
    rows = await pool.fetch("SELECT result, attempts, lost FROM notifications WHERE order_id = $1", broken)
    assert {tuple(row) for row in rows} == {(Result.EMAIL_FAILED_TTL, 0, 0)}
    await assert_counters_are_true(pool)


# --- spread


async def test_what_is_refused_together_does_not_return_together(pool: Pool, clock: HandTurnedClock) -> None:
    await expand(pool, clock, [make_order(many(500), NOON)])
    lane = email_lane(pool, ScriptedProvider(lambda _: Transient("454 too fast")), clock)

    await lane.run_once()
    await lane.settle_down()

    apart = await pool.fetch("SELECT due, size FROM chunks WHERE due IS NOT NULL ORDER BY due")
    assert len(apart) == 8
    assert {row["size"] for row in apart} <= {62, 63}
    minute = timedelta(minutes=1)
    assert NOON + minute < apart[0]["due"] < NOON + 1.5 * minute < apart[-1]["due"] < NOON + 2 * minute


async def test_what_was_refused_is_read_from_its_own_chunk_only(pool: Pool, clock: HandTurnedClock) -> None:
    """The new chunks span each other's ids; no notification is sent from two of them."""
    await expand(pool, clock, [make_order(many(200), NOON)])
    provider = ScriptedProvider(lambda message: Transient("454") if message.attempt < 3 else DELIVERED, window=50)

    await send_for_two_days(pool, clock, provider)

    assert len(provider.taken) == 600
    assert len({(message.notification_id, message.attempt) for message in provider.taken}) == 600
    await assert_counters_are_true(pool)
    await assert_nothing_is_held(pool)


async def test_a_message_that_was_not_offered_is_put_off_and_counts_no_attempt(
    pool: Pool, clock: HandTurnedClock
) -> None:
    await expand(pool, clock, [make_order(many(12), NOON)])
    later = Transient("over the rate", retry_after=timedelta(seconds=30), offered=False)
    lane = email_lane(pool, ScriptedProvider(guilty(later)), clock)
    await lane.run_once()
    await lane.settle_down()
    assert await pool.fetchval("SELECT attempts FROM notifications WHERE address = $1", GUILTY) == 0
    assert not await pool.fetchval("SELECT EXISTS (SELECT FROM lane_pauses)")

    clock.turn(timedelta(seconds=29))
    assert not await lane.run_once()
    clock.turn(timedelta(seconds=1))
    ready = ScriptedProvider(lambda _: DELIVERED)
    again = email_lane(pool, ready, clock)
    assert await again.run_once()
    await again.settle_down()

    assert [(message.to_address, message.attempt) for message in ready.taken] == [(GUILTY, 1)]


async def test_messages_that_were_not_offered_stay_in_their_chunk_while_the_lane_rests(
    pool: Pool, clock: HandTurnedClock
) -> None:
    await expand(pool, clock, [make_order(many(12), NOON)])
    (chunk,) = await pool.fetch("SELECT id FROM chunks")
    later = Transient("over the rate", retry_after=timedelta(seconds=30), offered=False, pause=True)
    taken = ScriptedProvider(lambda message: DELIVERED if message.to_address < GUILTY else later)
    lane = email_lane(pool, taken, clock)
    await lane.run_once()
    await lane.settle_down()

    assert [row["id"] for row in await pool.fetch("SELECT id FROM chunks")] == [chunk["id"]]
    clock.turn(timedelta(seconds=30))
    ready = ScriptedProvider(lambda _: DELIVERED)
    again = email_lane(pool, ready, clock)
    assert await again.run_once()
    await again.settle_down()
    assert {message.attempt for message in ready.taken} == {1}
    assert {m.to_address for m in ready.taken} == {m.to_address for m in taken.taken if m.to_address >= GUILTY}
    await assert_counters_are_true(pool)
    await assert_nothing_is_held(pool)


@pytest.mark.parametrize(("count", "groups"), [(1, 1), (10, 1), (11, 2), (79, 8), (80, 8), (500, 8)])
def test_groups_are_few_and_not_too_small(count: int, groups: int) -> None:
    members = [(unsent, NOON + timedelta(seconds=-number % 7)) for number, unsent in enumerate(unsents(count))]

    divided = list(by_due_time(members))

    assert len(divided) == groups
    assert min(len(group) for group in divided) >= count // groups
    assert [due for group in divided for _, due in group] == sorted(due for _, due in members)
    assert {row.id for group in divided for row, _ in group} == {row.id for row, _ in members}


def unsents(count: int) -> list[Unsent]:
    """Make so many notifications, which need not exist."""
    ids = new_ids(count + 2)
    return [Unsent(each, ids[0], ids[1], "kari@example.com", None, None, 0, 0, NOON, False) for each in ids[2:]]
