"""Outcomes that are lost: one limit for all ways of losing them, and what is learnt late is not lost."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests.support.lanes import email_lane, expand
from tests.support.orders import emails, make_order, numbers
from tests.support.providers import HeldProvider, ScriptedProvider
from tests.support.rig import LEASE, NOON, Rig, send_options
from tests.support.truths import assert_counters_are_true, assert_nothing_is_held
from varsel.channels.protocol import (
    Accepted,
    Capabilities,
    EmailMessage,
    Outcome,
    Settle,
    Settled,
    SmsMessage,
    Transient,
    Unknown,
)
from varsel.contacts.fixed import FixedDirectory
from varsel.model.clock import HandTurnedClock
from varsel.model.lanes import Lane
from varsel.model.orders import NotificationChannel, OrderStatus
from varsel.model.results import Channel, Result
from varsel.storage.pool import Pool
from varsel.storage.reports import ArrivedReport
from varsel.workers import compose
from varsel.workers.hints import Hints
from varsel.workers.send import SendLane

DELIVERED = Settled(Result.EMAIL_DELIVERED)
TWO_DAYS = timedelta(hours=48)


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(NOON)


@pytest.fixture
def rig(pool: Pool, clock: HandTurnedClock) -> Rig:
    return Rig(pool, FixedDirectory(None), clock=clock)


class SmsThatLosesAnswers:
    """A gateway that takes every SMS and whose answer is always lost."""

    name = "loses answers"
    capabilities = Capabilities(500, reports=True)

    def __init__(self) -> None:
        self.taken: list[SmsMessage] = []

    async def send(self, messages: Sequence[SmsMessage], settle: Settle) -> None:
        """Take the messages and say nothing that tells."""
        self.taken.extend(messages)
        for position in range(len(messages)):
            settle(position, Unknown("HTTP 502"))

    async def check(self) -> str:
        """Say what this is."""
        return "loses answers"

    async def close(self) -> None:
        """Do nothing: there is no connection."""


async def stored(pool: Pool) -> list[tuple[object, ...]]:
    """Read what is stored of each notification."""
    rows = await pool.fetch("SELECT result, attempts, lost, assumed FROM notifications ORDER BY id")
    return [tuple(row) for row in rows]


async def send_until(
    lane: SendLane[EmailMessage] | SendLane[SmsMessage], clock: HandTurnedClock, end: datetime
) -> None:
    """Let a lane send whatever comes due until `end`."""
    while clock.now() < end:
        while await lane.run_once():
            await lane.settle_down()
        clock.turn(timedelta(minutes=10))


# --- the limit


@pytest.mark.parametrize("limit", [1, 5])
async def test_an_email_whose_outcome_is_always_lost_is_sent_no_more_often_than_the_limit(
    pool: Pool, clock: HandTurnedClock, rig: Rig, limit: int
) -> None:
    (order,) = await expand(pool, clock, [make_order(emails("kari"), NOON)])
    provider = ScriptedProvider(lambda _: Unknown("connection lost after the final dot"))
    lane = email_lane(pool, provider, clock, send_options(most_lost=limit))

    await send_until(lane, clock, NOON + TWO_DAYS)

    assert [message.attempt for message in provider.taken] == list(range(1, limit + 1))
    assert await stored(pool) == [(Result.EMAIL_FAILED, limit, limit, True)]
    assert (await rig.state(order)).status is OrderStatus.Completed
    await assert_counters_are_true(pool)
    await assert_nothing_is_held(pool)


async def test_an_sms_whose_outcome_is_always_lost_is_sent_no_more_often_than_the_limit(
    pool: Pool, clock: HandTurnedClock
) -> None:
    sms = make_order(numbers("+4799999999"), NOON, channel=NotificationChannel.Sms)
    await expand(pool, clock, [sms])
    provider = SmsThatLosesAnswers()
    await pool.execute("UPDATE chunks SET lane = $1", Lane.SmsAnytime)
    lane = SendLane(Lane.SmsAnytime, provider, compose.sms, pool, clock, Hints(), send_options())

    await send_until(lane, clock, NOON + TWO_DAYS)

    assert len(provider.taken) == 5
    assert await stored(pool) == [(Result.SMS_FAILED, 5, 5, True)]
    await assert_counters_are_true(pool)


async def test_lost_leases_and_lost_answers_count_together(pool: Pool, clock: HandTurnedClock) -> None:
    """Two holders that never come back, refusals that were heard, then answers that are lost: five in all."""
    await expand(pool, clock, [make_order(emails("kari"), NOON)])
    gone = [HeldProvider(), HeldProvider()]
    lanes = [email_lane(pool, provider, clock) for provider in gone]
    for lane, provider in zip(lanes, gone, strict=True):
        assert await lane.run_once()
        await provider.called()
        clock.turn(LEASE)
    answers: list[Outcome] = [Transient("450"), Unknown("502"), Transient("450"), Unknown("502"), Unknown("502")]
    answering = iter(answers)
    last = ScriptedProvider(lambda _: next(answering))

    await send_until(email_lane(pool, last, clock), clock, NOON + TWO_DAYS)

    assert [message.attempt for message in last.taken] == [3, 4, 5, 6, 7]
    assert await stored(pool) == [(Result.EMAIL_FAILED, 7, 5, True)]
    await assert_counters_are_true(pool)
    for lane, provider in zip(lanes, gone, strict=True):
        provider.answer_all(Unknown("502"))
        await lane.settle_down()
    assert await stored(pool) == [(Result.EMAIL_FAILED, 7, 5, True)]


async def test_nothing_is_sent_again_where_so_set_and_a_report_says_what_became_of_it(
    pool: Pool, clock: HandTurnedClock, rig: Rig
) -> None:
    (order,) = await expand(pool, clock, [make_order(emails("kari"), NOON)])
    provider = ScriptedProvider(lambda _: Unknown("502"))
    await send_until(email_lane(pool, provider, clock, send_options(resend=False)), clock, NOON + TWO_DAYS)
    assert await stored(pool) == [(Result.EMAIL_FAILED, 1, 1, True)]
    await rig.crew.run_until_idle()
    before = await feed(pool)

    (line,) = await rig.listed(order)
    await rig.report(ArrivedReport(Channel.Email, None, line.id, Result.EMAIL_DELIVERED, "{}"))
    await rig.crew.run_until_idle()

    assert await stored(pool) == [(Result.EMAIL_DELIVERED, 1, 1, False)]
    assert (await rig.state(order)).status is OrderStatus.Completed
    await assert_counters_are_true(pool)
    assert await feed(pool) == before


async def feed(pool: Pool) -> list[tuple[object, ...]]:
    """Read the entries of the status feed."""
    return [tuple(row) for row in await pool.fetch("SELECT * FROM feed ORDER BY number")]


# --- known late


@pytest.fixture
async def late(pool: Pool, clock: HandTurnedClock) -> "LateAnswer":
    (order,) = await expand(pool, clock, [make_order(emails("kari"), NOON)])
    return LateAnswer(pool, clock, order)


class LateAnswer:
    """A notification that a first holder has given to the provider, which does not answer yet."""

    def __init__(self, pool: Pool, clock: HandTurnedClock, order: UUID) -> None:
        self._pool = pool
        self._clock = clock
        self._provider = HeldProvider()
        self._lane = email_lane(pool, self._provider, clock)
        self.order = order

    async def begin(self) -> None:
        """Give the notification to the provider."""
        await self._lane.run_once()
        await self._provider.called()

    async def answer(self, outcome: Outcome) -> None:
        """Let the provider answer at last."""
        self._provider.answer(outcome)
        await self._lane.settle_down()


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (DELIVERED, (Result.EMAIL_DELIVERED, 1, 1, False)),
        (Settled(Result.EMAIL_FAILED_BOUNCED, "550"), (Result.EMAIL_FAILED_BOUNCED, 1, 1, False)),
        (Accepted("reference"), (Result.EMAIL_DELIVERED, 1, 1, True)),
        (Transient("450"), (Result.EMAIL_FAILED, 1, 1, True)),
        (Unknown("502"), (Result.EMAIL_FAILED, 1, 1, True)),
    ],
)
async def test_a_late_answer_replaces_a_failure_that_only_said_that_nothing_was_known(
    pool: Pool, clock: HandTurnedClock, rig: Rig, late: LateAnswer, outcome: Outcome, expected: tuple[object, ...]
) -> None:
    await late.begin()
    clock.turn(LEASE)
    other = email_lane(pool, HeldProvider(), clock, send_options(resend=False))
    await other.run_once()
    await other.settle_down()
    assert await stored(pool) == [(Result.EMAIL_FAILED, 1, 1, True)]

    await late.answer(outcome)

    assert await stored(pool) == [expected]
    assert (await rig.state(late.order)).status is OrderStatus.Completed
    await assert_counters_are_true(pool)
    await rig.crew.run_until_idle()
    await assert_nothing_is_held(pool)


@pytest.mark.parametrize("reported", [Result.EMAIL_DELIVERED, Result.EMAIL_FAILED_BOUNCED])
async def test_a_report_finds_what_a_late_answer_said_was_taken(
    pool: Pool, clock: HandTurnedClock, rig: Rig, late: LateAnswer, reported: Result
) -> None:
    await late.begin()
    clock.turn(LEASE)
    other = email_lane(pool, HeldProvider(), clock, send_options(resend=False))
    await other.run_once()
    await other.settle_down()
    await late.answer(Accepted("reference"))

    await rig.report(ArrivedReport(Channel.Email, "reference", None, reported, "{}"))
    await rig.crew.run_until_idle()

    assert await stored(pool) == [(reported, 1, 1, False)]
    await assert_counters_are_true(pool)


async def test_a_late_answer_replaces_an_expiry(pool: Pool, clock: HandTurnedClock, rig: Rig, late: LateAnswer) -> None:
    await late.begin()
    clock.turn(timedelta(hours=49))
    await rig.crew.run_until_idle()
    assert await stored(pool) == [(Result.EMAIL_FAILED_TTL, 1, 1, False)]

    await late.answer(DELIVERED)

    assert await stored(pool) == [(Result.EMAIL_DELIVERED, 1, 1, False)]
    await assert_counters_are_true(pool)


@pytest.mark.parametrize("first", ["the first holder", "the second holder"])
async def test_both_copies_show_in_attempts_whoever_finishes_first(
    pool: Pool, clock: HandTurnedClock, rig: Rig, late: LateAnswer, first: str
) -> None:
    await late.begin()
    clock.turn(LEASE)
    quick = HeldProvider()
    other = email_lane(pool, quick, clock)
    await other.run_once()
    await quick.called()

    if first == "the first holder":
        await late.answer(DELIVERED)
    quick.answer(DELIVERED)
    await other.settle_down()
    if first == "the second holder":
        await late.answer(DELIVERED)

    assert [message.attempt for message in quick.taken] == [2]
    assert await stored(pool) == [(Result.EMAIL_DELIVERED, 2, 1, False)]
    await assert_counters_are_true(pool)
    await rig.crew.run_until_idle()
    await assert_nothing_is_held(pool)


async def test_an_answer_is_recorded_over_doubt(pool: Pool, clock: HandTurnedClock, rig: Rig, late: LateAnswer) -> None:
    """The second holder has noted the doubt and is sending; what the first one then learns counts."""
    await late.begin()
    clock.turn(LEASE)
    slow = HeldProvider()
    other = email_lane(pool, slow, clock)
    await other.run_once()
    await slow.called()
    assert await stored(pool) == [(Result.EMAIL_NEW, 1, 1, False)]

    await late.answer(Settled(Result.EMAIL_FAILED_BOUNCED, "550"))
    slow.answer(Unknown("502"))
    await other.settle_down()

    assert await stored(pool) == [(Result.EMAIL_FAILED_BOUNCED, 2, 2, False)]
    assert (await rig.state(late.order)).status is OrderStatus.Completed
    await assert_counters_are_true(pool)
