"""Delivery reports: late, twice, out of order, before their time, or about nobody; results only move forward."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.lanes import email_lane, expand
from tests.support.orders import emails, make_order, many
from tests.support.providers import ScriptedProvider
from tests.support.rig import GRACE, NOON, Rig, crew_options, send_options
from tests.support.truths import assert_counters_are_true
from varsel.channels.protocol import Accepted, EmailMessage
from varsel.contacts.fixed import FixedDirectory
from varsel.model.clock import HandTurnedClock
from varsel.model.orders import OrderStatus
from varsel.model.results import Channel, Result, Stage
from varsel.storage import notifications
from varsel.storage.notifications import Settlement, Step
from varsel.storage.pool import Pool
from varsel.storage.reports import ArrivedReport
from varsel.workers.apply_reports import ApplyReports
from varsel.workers.send import SendLane

EXPIRED = timedelta(hours=48) + GRACE
GIVE_UP = timedelta(days=7)


def accepted(message: EmailMessage) -> Accepted:
    """Take an e-mail under a reference that names its recipient."""
    return Accepted(reference(message.to_address))


def reference(address: str) -> str:
    """Return what the provider calls the e-mail to this address."""
    return f"reference of {address}"


def says(
    result: Result | None, name: str = "kari", *, channel: Channel = Channel.Email, provider: str | None = None
) -> ArrivedReport:
    """Make a report that names the e-mail to `name` by its reference."""
    return ArrivedReport(channel, reference(f"{name}@example.com"), None, result, "{}", provider)


def says_by_id(result: Result | None, notification_id: UUID, *, channel: Channel = Channel.Email) -> ArrivedReport:
    """Make a report that names a notification by its id."""
    return ArrivedReport(channel, None, notification_id, result, "{}")


@pytest.fixture
def rig(pool: Pool) -> Rig:
    return Rig(pool, FixedDirectory(None), email=ScriptedProvider(accepted))


@pytest.fixture
def assuming(pool: Pool) -> Rig:
    """A rig whose e-mails count as delivered after a day without bad news."""
    send = {Channel.Email: send_options(assume=timedelta(hours=24)), Channel.Sms: send_options()}
    return Rig(pool, FixedDirectory(None), email=ScriptedProvider(accepted), options=crew_options(send))


async def sent(rig: Rig, *names: str) -> UUID:
    """Store an order and hand it over."""
    order_id = await rig.store(make_order(emails(*(names or ("kari",))), NOON))
    await rig.work()
    return order_id


async def reported(rig: Rig, *reports: ArrivedReport, after: timedelta = timedelta(0)) -> None:
    """Let reports arrive and be applied."""
    rig.hand.turn(after)
    await rig.report(*reports)
    await rig.work()


async def results(rig: Rig, order_id: UUID) -> list[Result]:
    await assert_counters_are_true(rig.pool)
    return [line.result for line in await rig.listed(order_id)]


async def outcomes(rig: Rig) -> list[str | None]:
    """Read what became of the reports, in order of arrival."""
    return [row["outcome"] for row in await rig.pool.fetch("SELECT outcome FROM delivery_reports ORDER BY id")]


# --- one after the other


async def test_a_report_ends_a_notification_and_its_order(rig: Rig) -> None:
    order = await sent(rig)
    assert await results(rig, order) == [Result.EMAIL_SUCCEEDED]

    await reported(rig, says(Result.EMAIL_DELIVERED))

    assert await results(rig, order) == [Result.EMAIL_DELIVERED]
    state = await rig.state(order)
    assert (state.status, state.email_succeeded) == (OrderStatus.Completed, 1)
    assert await outcomes(rig) == ["applied"]


@pytest.mark.parametrize("second", [Result.EMAIL_FAILED_BOUNCED, Result.EMAIL_SUCCEEDED, Result.EMAIL_DELIVERED])
@pytest.mark.parametrize("in_one_set", [True, False])
async def test_delivered_never_goes_back(rig: Rig, second: Result, in_one_set: bool) -> None:
    order = await sent(rig)
    reports = [says(Result.EMAIL_DELIVERED), says(second)]

    for together in [reports] if in_one_set else [[report] for report in reports]:
        await reported(rig, *together)

    assert await results(rig, order) == [Result.EMAIL_DELIVERED]
    assert await outcomes(rig) == ["applied", "superseded"]


async def test_of_two_final_reports_in_one_set_the_first_to_arrive_stays(rig: Rig) -> None:
    order = await sent(rig)
    await rig.report(says(Result.EMAIL_FAILED_BOUNCED))
    rig.hand.turn(timedelta(seconds=1))
    await rig.report(says(Result.EMAIL_DELIVERED))

    await rig.work()

    assert await results(rig, order) == [Result.EMAIL_FAILED_BOUNCED]
    assert await outcomes(rig) == ["applied", "superseded"]


async def test_news_without_consequence_changes_nothing(rig: Rig) -> None:
    order = await sent(rig)
    await reported(rig, says(None))
    assert await results(rig, order) == [Result.EMAIL_SUCCEEDED]
    assert await outcomes(rig) == ["no change"]


async def test_a_report_of_another_channel_speaks_of_somebody_else(rig: Rig) -> None:
    order = await sent(rig)
    (line,) = await rig.listed(order)
    await reported(
        rig,
        says(Result.SMS_DELIVERED, channel=Channel.Sms),
        says_by_id(Result.SMS_DELIVERED, line.id, channel=Channel.Sms),
    )
    assert await results(rig, order) == [Result.EMAIL_SUCCEEDED]
    assert await outcomes(rig) == [None, None]


# --- before the reference is known


async def test_a_report_that_overtakes_the_hand_over_waits_for_its_reference(rig: Rig) -> None:
    await reported(rig, says(Result.EMAIL_DELIVERED))
    assert await outcomes(rig) == [None]

    order = await sent(rig)  # no time passes: the reference that has become known hastens it

    assert await results(rig, order) == [Result.EMAIL_DELIVERED]
    assert await outcomes(rig) == ["applied"]


async def test_a_report_by_id_may_overtake_the_hand_over(rig: Rig) -> None:
    (order,) = await expand(rig.pool, rig.hand, [make_order(emails("kari"), NOON)])
    (line,) = await rig.listed(order)

    await reported(rig, says_by_id(Result.EMAIL_DELIVERED, line.id))

    assert await results(rig, order) == [Result.EMAIL_DELIVERED]
    assert (await rig.state(order)).status is OrderStatus.Completed


async def test_a_report_about_nobody_is_looked_at_less_and_less_often_and_then_kept_aside(rig: Rig) -> None:
    await reported(rig, says(Result.EMAIL_DELIVERED))
    looks = [NOON]
    while (due := await rig.pool.fetchval("SELECT due FROM delivery_reports")) is not None:
        looks.append(due)
        rig.hand.turn(due - rig.hand.now())
        await rig.work()

    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert pauses[:4] == [timedelta(seconds=seconds) for seconds in (5, 10, 20, 40)]
    assert pauses == sorted(pauses[:-1]) + pauses[-1:]
    assert looks[-1] == NOON + GIVE_UP
    assert await outcomes(rig) == ["unmatched"]


async def test_a_full_set_of_reports_is_followed_by_the_next(rig: Rig) -> None:
    await reported(rig, *(says(Result.EMAIL_DELIVERED, f"user{number}") for number in range(1_100)))

    order = await rig.store(make_order(many(1_100), NOON))
    await rig.work()

    assert set(await results(rig, order)) == {Result.EMAIL_DELIVERED}
    assert set(await outcomes(rig)) == {"applied"}


# --- a reference that is used again


async def test_a_reference_used_again_is_about_the_newest_notification_that_is_still_open(rig: Rig) -> None:
    first, second = await sent(rig), await sent(rig)
    await reported(rig, says(Result.EMAIL_FAILED_BOUNCED))
    assert (await results(rig, first), await results(rig, second)) == (
        [Result.EMAIL_SUCCEEDED],
        [Result.EMAIL_FAILED_BOUNCED],
    )

    await reported(rig, says(Result.EMAIL_DELIVERED))

    assert (await results(rig, first), await results(rig, second)) == (
        [Result.EMAIL_DELIVERED],
        [Result.EMAIL_FAILED_BOUNCED],
    )
    assert await outcomes(rig) == ["applied", "applied"]


async def test_reports_of_one_set_under_one_reference_change_one_notification_each(rig: Rig) -> None:
    orders = [await sent(rig) for _ in range(3)]

    await reported(rig, says(Result.EMAIL_FAILED_BOUNCED), says(Result.EMAIL_DELIVERED))

    assert [await results(rig, order) for order in orders] == [
        [Result.EMAIL_SUCCEEDED],
        [Result.EMAIL_DELIVERED],
        [Result.EMAIL_FAILED_BOUNCED],
    ]


async def test_a_report_of_another_provider_waits_though_the_reference_is_the_same(rig: Rig) -> None:
    order = await sent(rig)
    theirs, ours = (
        says(Result.EMAIL_FAILED_BOUNCED, provider="other"),
        says(Result.EMAIL_DELIVERED, provider="scripted"),
    )

    await reported(rig, theirs, ours)

    assert await results(rig, order) == [Result.EMAIL_DELIVERED]
    assert await outcomes(rig) == [None, "applied"]


async def test_a_gateway_that_gives_one_reference_to_everything_has_only_the_newest_looked_at(rig: Rig) -> None:
    order = await sent(rig, *(f"user{number}" for number in range(150)))
    await rig.pool.execute("UPDATE notifications SET reference = 'same'")

    await reported(rig, *(replace(says(Result.EMAIL_DELIVERED), reference="same") for _ in range(150)))

    assert (await results(rig, order)).count(Result.EMAIL_DELIVERED) == 100
    assert sorted(filter(None, await outcomes(rig))) == ["applied"] * 100 + ["superseded"] * 50


# --- late


@pytest.mark.parametrize(("late", "succeeded"), [(Result.EMAIL_DELIVERED, 1), (Result.EMAIL_FAILED_BOUNCED, 0)])
async def test_a_late_report_corrects_what_had_expired(rig: Rig, late: Result, succeeded: int) -> None:
    order = await sent(rig)
    await rig.work(after=EXPIRED)
    assert await results(rig, order) == [Result.EMAIL_FAILED_TTL]
    ended = (await rig.state(order)).last_update

    await reported(rig, says(late), after=timedelta(days=1))

    assert await results(rig, order) == [late]
    state = await rig.state(order)
    assert (state.status, state.email_succeeded, state.last_update) == (OrderStatus.Completed, succeeded, ended)
    assert await rig.pool.fetchval("SELECT detail FROM notifications") == "corrected by a delivery report"


async def test_a_report_in_the_grace_counts(rig: Rig) -> None:
    order = await sent(rig)
    await rig.work(after=EXPIRED - timedelta(seconds=1))
    await reported(rig, says(Result.EMAIL_DELIVERED))
    assert await results(rig, order) == [Result.EMAIL_DELIVERED]


# --- assumed


async def test_an_assumed_delivery_is_taken_back_by_bad_news(assuming: Rig) -> None:
    order = await sent(assuming)
    await assuming.work(after=timedelta(hours=24))
    assert (await assuming.state(order)).email_succeeded == 1

    await reported(assuming, says(Result.EMAIL_FAILED_BOUNCED))

    assert await results(assuming, order) == [Result.EMAIL_FAILED_BOUNCED]
    state = await assuming.state(order)
    assert (state.status, state.email_succeeded) == (OrderStatus.Completed, 0)


@pytest.mark.parametrize("in_one_set", [True, False])
async def test_an_assumed_delivery_that_is_confirmed_is_known(assuming: Rig, in_one_set: bool) -> None:
    order = await sent(assuming)
    await assuming.work(after=timedelta(hours=24))
    before = await assuming.state(order)
    reports = [says(Result.EMAIL_DELIVERED), says(Result.EMAIL_FAILED_BOUNCED)]

    for together in [reports] if in_one_set else [[report] for report in reports]:
        await reported(assuming, *together, after=timedelta(minutes=1))

    assert await results(assuming, order) == [Result.EMAIL_DELIVERED]
    assert await assuming.pool.fetchval("SELECT assumed FROM notifications") is False
    assert await assuming.state(order) == before
    assert await outcomes(assuming) == ["applied", "superseded"]


async def test_bad_news_judged_before_good_news_was_recorded_is_judged_anew(assuming: Rig) -> None:
    """Two processes apply reports on one assumed delivery; the slower one's decision stands on what is no more."""
    order = await sent(assuming)
    await assuming.work(after=timedelta(hours=24))
    (line,) = await assuming.listed(order)
    slow = Step(Result.EMAIL_DELIVERED, Result.EMAIL_FAILED_BOUNCED, 1, was_assumed=True)

    await reported(assuming, says(Result.EMAIL_DELIVERED))

    async with assuming.pool.acquire() as connection:
        assert await notifications.settle(connection, [Settlement(line.id, slow)], now=assuming.hand.now()) == set()
    assert await results(assuming, order) == [Result.EMAIL_DELIVERED]


# --- while the results of sending are being recorded


async def test_recording_and_applying_at_the_same_time_do_not_block_each_other(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Both take reports, then notifications, then orders; or else reports that name theirs both ways would block them.

    The clocks differ by what lies between two looks at one: for the sender the reports still wait, and are hastened.
    """
    caplog.set_level(logging.INFO, "varsel.storage.transactions")
    (order,) = await expand(rig.pool, rig.hand, [make_order(many(1_500), NOON)])
    await rig.report(
        *(
            ArrivedReport(Channel.Email, reference(line.address), line.id, Result.EMAIL_DELIVERED, "{}")
            for line in await rig.listed(order)
        )
    )
    later = HandTurnedClock(NOON + timedelta(seconds=5))
    await rig.pool.execute("UPDATE delivery_reports SET due = $1", later.now())
    lane = email_lane(rig.pool, ScriptedProvider(accepted, window=50), rig.hand)
    appliers = [ApplyReports(rig.pool, later, replace(crew_options().reports, at_once=40)) for _ in range(3)]

    await asyncio.gather(drained(lane), *map(drained, appliers))
    await lane.settle_down()
    await rig.work(after=timedelta(seconds=5))

    assert set(await results(rig, order)) == {Result.EMAIL_DELIVERED}
    assert "tried again" not in caplog.text


async def drained(worker: SendLane[EmailMessage] | ApplyReports) -> None:
    """Let a worker work until it finds nothing more."""
    while await worker.run_once():
        continue


# --- anything, in any order

_SAID = st.sampled_from([None, *(result for result in Result if result.facts.channel is Channel.Email)])
_SETS = st.lists(st.tuples(_SAID, st.sampled_from(["kari", "ola", "nobody"])), min_size=1, max_size=4)
_TURNS = st.sampled_from([timedelta(0), timedelta(seconds=5), timedelta(hours=24), EXPIRED])


@given(events=st.lists(st.tuples(_TURNS, _SETS), max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_reported_results_move_forward_and_counters_stay_true(
    assuming: Rig, events: list[tuple[timedelta, list[tuple[Result | None, str]]]]
) -> None:
    await assuming.pool.execute("TRUNCATE orders, notifications, chunks, delivery_reports")
    assuming.hand.turn(NOON - assuming.hand.now())
    await sent(assuming, "kari", "ola")
    known = await standing(assuming)

    for turn, said in events:
        await reported(assuming, *(says(result, name) for result, name in said), after=turn)
        now = await standing(assuming)
        for notification_id, (before, assumed) in known.items():
            after, _ = now[notification_id]
            assert after.facts.stage >= before.facts.stage
            is_known = before.facts.stage is Stage.Final and before is not Result.EMAIL_FAILED_TTL and not assumed
            assert after is before or not is_known
        known = now
        await assert_counters_are_true(assuming.pool)


async def standing(rig: Rig) -> dict[UUID, tuple[Result, bool]]:
    """Read every notification's result, and whether it is only assumed."""
    rows = await rig.pool.fetch("SELECT id, result, assumed FROM notifications")
    return {row["id"]: (Result(row["result"]), row["assumed"]) for row in rows}


async def test_a_report_that_cannot_be_recorded_does_not_stop_the_others(rig: Rig, pool: Pool) -> None:
    order_id = await rig.store(make_order(emails("kari", "ola"), NOON))
    await rig.work()
    bounced = int(Result.EMAIL_FAILED_BOUNCED)
    await pool.execute(f"ALTER TABLE notifications ADD CHECK (address <> 'ola@example.com' OR result <> {bounced})")
    await rig.report(says(Result.EMAIL_FAILED_BOUNCED, "ola"), says(Result.EMAIL_DELIVERED, "kari"))

    await rig.work()

    results = {line.address: line.result for line in await rig.listed(order_id)}
    assert results == {"kari@example.com": Result.EMAIL_DELIVERED, "ola@example.com": Result.EMAIL_SUCCEEDED}
    await assert_counters_are_true(pool)
