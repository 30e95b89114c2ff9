"""Sending at a rate: what is not sent for it waits in its chunk, counts as no attempt, and goes when it may."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests.support.lanes import email_lane, expand
from tests.support.orders import make_order, many
from tests.support.providers import ScriptedProvider
from tests.support.rig import NOON
from tests.support.smtp_sending import message, smtp_provider
from tests.support.smtp_server import Puppet, obliging, puppet
from tests.support.truths import assert_counters_are_true
from varsel.channels.email_smtp import SmtpProvider
from varsel.channels.paced import AHEAD, SLACK, PacedProvider, SharedRate
from varsel.channels.protocol import EmailMessage, Outcome, Settled, Transient
from varsel.mechanisms.pace import Slots
from varsel.model.clock import Clock, HandTurnedClock
from varsel.model.results import Result
from varsel.storage.pool import Pool
from varsel.storage.rates import ProviderRate
from varsel.workers.send import SendLane

RATE = 14
POLL = timedelta(milliseconds=200)
SECOND = timedelta(seconds=1)
DELIVERED = Settled(Result.EMAIL_DELIVERED)


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(NOON)


class Relay:
    """A mail server's memory: it takes `RATE` messages in each second and says 454 to all others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.taken = Counter[int]()
        self.refused = 0

    def __call__(self, line: str) -> str:
        """Answer one line of a dialogue."""
        if line != ".":
            return obliging(line)
        second = int((self._clock.now() - NOON) / SECOND)
        if self.taken[second] >= RATE:
            self.refused += 1
            return "454 Throttling failure: Maximum sending rate exceeded."
        self.taken[second] += 1
        return obliging(line)


@pytest.fixture
def relay(clock: HandTurnedClock) -> Relay:
    return Relay(clock)


@pytest.fixture
async def server(relay: Relay) -> AsyncIterator[Puppet]:
    async with puppet(relay) as running:
        yield running


@pytest.fixture
async def smtp(server: Puppet, clock: HandTurnedClock) -> AsyncIterator[SmtpProvider]:
    async with smtp_provider(server.port, clock=clock) as provider:
        yield provider


def paced(
    provider: SmtpProvider | ScriptedProvider, clock: HandTurnedClock, *, pool: Pool | None = None
) -> PacedProvider[EmailMessage]:
    """Keep a provider to `RATE` by the row in the database, or without a pool to what it teaches.

    Waiting for a slot turns the clock.
    """

    async def turn(moment: datetime, _: Clock) -> None:
        clock.turn_to(max(moment, clock.now()))

    shared = None
    if pool is not None:
        row = ProviderRate(pool, clock, provider=provider.name, rate=RATE, ahead=AHEAD, slack=SLACK)
        shared = SharedRate(RATE, row.reserve)
    recall = provider.recall if isinstance(provider, SmtpProvider) else lambda: None
    return PacedProvider(provider, clock, shared=shared, recall=recall, wait=turn)


async def send_all(lane: SendLane[EmailMessage], clock: HandTurnedClock, pool: Pool) -> timedelta:
    """Let a lane work until no chunk is left to send, and return how long that took."""
    while await pool.fetchval("SELECT count(*) FROM chunks WHERE due IS NOT NULL"):
        assert clock.now() < NOON + timedelta(minutes=10), "sending comes to no end"
        if not await lane.run_once():
            clock.turn(POLL)
        await lane.settle_down()
    return clock.now() - NOON


async def attempts(pool: Pool) -> Counter[int]:
    return Counter(row["attempts"] for row in await pool.fetch("SELECT attempts FROM notifications"))


async def test_a_thousand_mails_leave_at_the_set_rate_and_none_is_refused(
    pool: Pool, clock: HandTurnedClock, relay: Relay, smtp: SmtpProvider
) -> None:
    await expand(pool, clock, [make_order(many(1000), NOON)])
    took = await send_all(email_lane(pool, paced(smtp, clock, pool=pool), clock), clock, pool)
    assert sum(relay.taken.values()) == 1000
    assert relay.refused <= 10  # at the borders of the server's seconds; they come again after ten seconds
    assert 0.9 <= took / SECOND / (1000 / RATE) <= 1.2
    assert sum(count for number, count in (await attempts(pool)).items() if number > 1) <= relay.refused


async def test_a_relay_that_refuses_for_rate_is_given_what_it_takes(
    pool: Pool, clock: HandTurnedClock, relay: Relay, smtp: SmtpProvider
) -> None:
    await expand(pool, clock, [make_order(many(1000), NOON)])
    took = await send_all(email_lane(pool, paced(smtp, clock), clock), clock, pool)
    assert sum(relay.taken.values()) == 1000
    assert relay.refused < 250
    assert took < timedelta(seconds=120)


async def test_what_is_not_sent_for_rate_stays_in_its_chunk_and_counts_as_no_attempt(
    pool: Pool, clock: HandTurnedClock
) -> None:
    await expand(pool, clock, [make_order(many(20), NOON)])
    before = await chunks_of(pool)
    provider = ScriptedProvider(lambda _: DELIVERED)
    lane = email_lane(pool, paced(provider, clock, pool=pool), clock)

    await by_another_process(pool, clock)
    assert await lane.run_once()
    await lane.settle_down()
    assert not provider.taken
    assert await chunks_of(pool) == before
    assert await attempts(pool) == {0: 20}
    assert not await lane.run_once(), "the lane rests, for every process"

    clock.turn(AHEAD + SECOND)
    await send_all(lane, clock, pool)
    assert await attempts(pool) == {1: 20}
    await assert_counters_are_true(pool)


async def by_another_process(pool: Pool, clock: Clock) -> None:
    """Take every slot within reach."""
    row = ProviderRate(pool, clock, provider="scripted", rate=RATE, ahead=AHEAD, slack=SLACK)
    assert (await row.reserve(1000)).count


async def chunks_of(pool: Pool) -> dict[UUID, UUID]:
    return {row["id"]: row["chunk_id"] for row in await pool.fetch("SELECT id, chunk_id FROM notifications")}


async def test_a_window_holds_no_more_than_a_second_so_that_a_crash_leaves_little_in_doubt(
    pool: Pool, clock: HandTurnedClock
) -> None:
    provider = ScriptedProvider(lambda _: DELIVERED)
    assert paced(provider, clock).capabilities.window == provider.capabilities.window
    assert paced(provider, clock, pool=pool).capabilities.window == RATE


async def test_a_provider_at_rest_was_not_offered_what_it_gives_back(pool: Pool, clock: HandTurnedClock) -> None:
    await expand(pool, clock, [make_order(many(20), NOON)])
    rests = Transient("left alone after failures", timedelta(seconds=30), pause=True, offered=False)
    lane = email_lane(pool, ScriptedProvider(lambda _: rests), clock)
    await lane.run_once()
    await lane.settle_down()
    assert await attempts(pool) == {0: 20}
    assert await pool.fetchval("SELECT until FROM lane_pauses") == NOON + timedelta(seconds=30)


async def test_without_a_database_nothing_is_sent_at_a_set_rate_and_nothing_is_lost(
    clock: HandTurnedClock,
) -> None:
    async def away(_: int) -> Slots:
        raise OSError("the database is away")

    provider = ScriptedProvider(lambda _: DELIVERED)
    settled = list[Outcome]()
    held = PacedProvider(provider, clock, shared=SharedRate(RATE, away))
    await held.send([message(), message()], lambda _, outcome: settled.append(outcome))
    assert not provider.taken
    assert [isinstance(outcome, Transient) and not outcome.offered for outcome in settled] == [True, True]
