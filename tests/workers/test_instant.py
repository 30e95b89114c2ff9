"""Instant orders: stored first, dispatched once, recorded whatever comes (processing.md W8)."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.chains import instant
from tests.support.orders import emails, numbers
from tests.support.providers import ScriptedProvider
from tests.support.rig import GRACE, NOON, Rig, instant_options
from varsel.channels.protocol import Accepted, Outcome, Transient, Unknown
from varsel.contacts.fixed import FixedDirectory
from varsel.model.orders import OrderStatus
from varsel.model.results import Channel, Result
from varsel.schedule import LIFETIME
from varsel.storage.chains import KnownChain
from varsel.storage.pool import Pool
from varsel.workers.instant import Dispatched, DispatchInstant


@pytest.fixture
def rig(pool: Pool, tmp_path: Path) -> Rig:
    return Rig(pool, FixedDirectory(tmp_path / "directory.json"))


@pytest.fixture
def dispatch(rig: Rig) -> DispatchInstant:
    return DispatchInstant(rig.pool, rig.clock, rig.email, rig.sms, instant_options())


async def test_an_instant_email_is_handed_over_before_the_answer(rig: Rig, dispatch: DispatchInstant) -> None:
    chain = instant(emails("kari")[0], NOON)

    assert await dispatch(chain) is Dispatched.Accepted

    state = await rig.state(chain.main.id)
    assert (state.status, state.email_generated, state.email_succeeded) == (OrderStatus.Completed, 1, 1)
    assert [kept.recipient for kept in await rig.kept()] == ["kari@example.com"]


async def test_an_instant_sms_lives_as_long_as_its_caller_says(rig: Rig, dispatch: DispatchInstant) -> None:
    chain = instant(numbers("+4799000096")[0], NOON, seconds=300)  # taken, and no report ever comes

    assert await dispatch(chain) is Dispatched.Accepted
    assert (await rig.state(chain.main.id)).status is OrderStatus.Processed
    await rig.work(after=timedelta(seconds=300) + GRACE)

    assert [line.result for line in await rig.listed(chain.main.id, Channel.Sms)] == [Result.SMS_FAILED_TTL]
    assert (await rig.state(chain.main.id)).status is OrderStatus.Completed


async def test_equal_requests_at_once_dispatch_one_message(rig: Rig, dispatch: DispatchInstant) -> None:
    outcomes = await asyncio.gather(*(dispatch(instant(emails("kari")[0], NOON)) for _ in range(8)))

    assert outcomes.count(Dispatched.Accepted) == 1
    known = [outcome.placed for outcome in outcomes if isinstance(outcome, KnownChain)]
    assert len(known) == 7
    assert len({placed.chain_id for placed in known}) == 1
    assert len(await rig.kept()) == 1


async def test_a_message_refused_for_good_keeps_its_id_and_its_result(rig: Rig, dispatch: DispatchInstant) -> None:
    first = instant(emails("suppressed")[0], NOON)

    assert await dispatch(first) is Dispatched.Accepted
    assert [line.result for line in await rig.listed(first.main.id)] == [Result.EMAIL_FAILED_SUPPRESSED_RECIPIENT]
    assert (await rig.state(first.main.id)).status is OrderStatus.Completed
    again = await dispatch(instant(emails("kari")[0], NOON))
    assert isinstance(again, KnownChain)
    assert again.placed.chain_id == first.id


async def test_a_message_refused_for_a_moment_is_tried_again(rig: Rig, dispatch: DispatchInstant) -> None:
    chain = instant(emails("transient")[0], NOON)

    assert await dispatch(chain) is Dispatched.Accepted
    assert [line.result for line in await rig.listed(chain.main.id)] == [Result.EMAIL_NEW]
    await rig.work(after=timedelta(minutes=10))
    await rig.work(after=timedelta(minutes=10))
    assert [line.result for line in await rig.listed(chain.main.id)] == [Result.EMAIL_DELIVERED]
    assert [kept.attempt for kept in reversed(await rig.kept())] == [1, 2, 3]


async def test_a_message_refused_until_its_time_is_over_expires(rig: Rig, dispatch: DispatchInstant) -> None:
    chain = instant(numbers("+4799000088")[0], NOON, seconds=1)

    assert await dispatch(chain) is Dispatched.Accepted
    assert [line.result for line in await rig.listed(chain.main.id, Channel.Sms)] == [Result.SMS_FAILED_TTL]
    assert (await rig.state(chain.main.id)).status is OrderStatus.Completed


async def test_a_message_of_unknown_outcome_is_never_sent_again(rig: Rig, dispatch: DispatchInstant) -> None:
    chain = instant(emails("unknown")[0], NOON)

    assert await dispatch(chain) is Dispatched.Unknown
    assert [line.result for line in await rig.listed(chain.main.id)] == [Result.EMAIL_SENDING]
    again = await dispatch(instant(emails("unknown")[0], NOON))
    await rig.work(after=timedelta(hours=47))

    assert isinstance(again, KnownChain)
    assert again.placed.chain_id == chain.id
    assert len(await rig.kept()) == 1
    await rig.work(after=timedelta(hours=1) + GRACE)
    assert [line.result for line in await rig.listed(chain.main.id)] == [Result.EMAIL_FAILED_TTL]


async def test_a_message_that_is_tried_again_is_not_sent_once_more_when_an_answer_is_lost(pool: Pool) -> None:
    script: list[Outcome] = [Transient("450 busy"), Unknown("the answer was lost"), Accepted()]
    outcomes = iter(script)
    provider = ScriptedProvider(lambda _: next(outcomes))
    rig = Rig(pool, FixedDirectory(None), email=provider)
    dispatch = DispatchInstant(rig.pool, rig.clock, provider, rig.sms, instant_options())
    chain = instant(emails("kari")[0], NOON)

    assert await dispatch(chain) is Dispatched.Accepted
    for _ in range(5):
        await rig.work(after=timedelta(hours=1))

    assert len(provider.taken) == 2
    assert [line.result for line in await rig.listed(chain.main.id)] == [Result.EMAIL_FAILED]


async def test_a_message_that_nobody_confirmed_keeps_the_reason_when_its_time_is_over(
    rig: Rig, dispatch: DispatchInstant
) -> None:
    chain = instant(emails("unknown")[0], NOON)

    assert await dispatch(chain) is Dispatched.Unknown
    await rig.work(after=LIFETIME + GRACE)

    assert [line.result for line in await rig.listed(chain.main.id)] == [Result.EMAIL_FAILED_TTL]
    detail = await rig.pool.fetchval("SELECT detail FROM notifications")
    assert "could not be handed over" not in detail
