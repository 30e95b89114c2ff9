"""Orders from stored to final, on a hand-turned clock and a real database."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.orders import emails, make_order, many, numbers
from tests.support.rig import NOON, Rig, crew_options, send_options
from varsel.contacts.fixed import FixedDirectory
from varsel.model.orders import NotificationChannel, OrderStatus, SendingTimePolicy
from varsel.model.results import Channel, Result
from varsel.storage.pool import Pool


@pytest.fixture
def directory(tmp_path: Path) -> FixedDirectory:
    return FixedDirectory(tmp_path / "directory.json")


@pytest.fixture
def rig(pool: Pool, directory: FixedDirectory) -> Rig:
    return Rig(pool, directory)


async def test_an_order_to_two_addresses_is_completed_and_kept(rig: Rig) -> None:
    order = await rig.store(make_order(emails("kari", "ola"), NOON))

    await rig.work()

    state = await rig.state(order)
    assert state.status is OrderStatus.Completed
    assert (state.email_generated, state.email_succeeded, state.sms_generated) == (2, 2, 0)
    assert {kept.recipient for kept in await rig.kept()} == {"kari@example.com", "ola@example.com"}
    assert [line.result for line in await rig.listed(order)] == [Result.EMAIL_DELIVERED] * 2


async def test_an_order_waits_for_its_time(rig: Rig) -> None:
    order = await rig.store(make_order(emails("kari"), NOON, send_at=NOON + timedelta(hours=1)))

    await rig.work(after=timedelta(minutes=59))
    assert (await rig.state(order)).status is OrderStatus.Registered
    assert await rig.kept() == []

    await rig.work(after=timedelta(minutes=1))
    assert (await rig.state(order)).status is OrderStatus.Completed


async def test_a_large_order_walks_part_by_part_and_counts_right(rig: Rig) -> None:
    order = await rig.store(make_order(many(3_210), NOON))

    await rig.work()

    state = await rig.state(order)
    assert (state.status, state.email_generated, state.email_succeeded) == (OrderStatus.Completed, 3_210, 3_210)
    assert Counter(kept.recipient for kept in await rig.kept()).most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    ("local_part", "final", "succeeded"),
    [
        ("bounced", Result.EMAIL_FAILED_BOUNCED, 0),
        ("delivered", Result.EMAIL_DELIVERED, 1),
        ("suppressed", Result.EMAIL_FAILED_SUPPRESSED_RECIPIENT, 0),
        ("quarantined", Result.EMAIL_FAILED_QUARANTINED, 0),
    ],
)
async def test_magic_recipients_reach_their_final_result(
    rig: Rig, local_part: str, final: Result, succeeded: int
) -> None:
    order = await rig.store(make_order(emails(local_part), NOON))

    await rig.work()

    assert [line.result for line in await rig.listed(order)] == [final]
    state = await rig.state(order)
    assert (state.status, state.email_succeeded) == (OrderStatus.Completed, succeeded)


async def test_a_transient_failure_is_tried_again_when_the_provider_wishes(rig: Rig) -> None:
    order = await rig.store(make_order(emails("transient"), NOON))

    await rig.work()
    assert [line.result for line in await rig.listed(order)] == [Result.EMAIL_NEW]
    await rig.work(after=timedelta(milliseconds=999))
    assert len(await rig.kept()) == 1
    await rig.work(after=timedelta(milliseconds=1))
    assert len(await rig.kept()) == 2
    await rig.work(after=timedelta(seconds=1))

    assert [kept.attempt for kept in await rig.kept()] == [3, 2, 1]
    assert [line.result for line in await rig.listed(order)] == [Result.EMAIL_DELIVERED]
    assert (await rig.state(order)).status is OrderStatus.Completed


async def test_what_is_never_reported_ends_as_expired_after_the_grace(rig: Rig) -> None:
    order = await rig.store(make_order(emails("never-reported"), NOON))
    await rig.work()
    assert [line.result for line in await rig.listed(order)] == [Result.EMAIL_SUCCEEDED]
    assert (await rig.state(order)).status is OrderStatus.Processed

    await rig.work(after=timedelta(hours=48, seconds=299))
    assert [line.result for line in await rig.listed(order)] == [Result.EMAIL_SUCCEEDED]
    await rig.work(after=timedelta(seconds=1))

    assert [line.result for line in await rig.listed(order)] == [Result.EMAIL_FAILED_TTL]
    state = await rig.state(order)
    assert (state.status, state.email_generated, state.email_succeeded) == (OrderStatus.Completed, 1, 0)


async def test_delivery_is_assumed_where_no_reports_come(pool: Pool, directory: FixedDirectory) -> None:
    assuming = {Channel.Email: send_options(assume=timedelta(hours=24)), Channel.Sms: send_options()}
    rig = Rig(pool, directory, options=crew_options(assuming))
    order = await rig.store(make_order(emails("never-reported"), NOON))
    await rig.work()

    await rig.work(after=timedelta(hours=24) - timedelta(seconds=1))
    assert [line.result for line in await rig.listed(order)] == [Result.EMAIL_SUCCEEDED]
    await rig.work(after=timedelta(seconds=1))

    assert [line.result for line in await rig.listed(order)] == [Result.EMAIL_DELIVERED]
    assert (await rig.state(order)).status is OrderStatus.Completed


async def test_an_sms_without_policy_waits_for_the_daytime(rig: Rig) -> None:
    order = make_order(numbers("+4799999999"), NOON, channel=NotificationChannel.Sms)
    rig.hand.turn(timedelta(hours=11))  # 23:00 in Oslo
    await rig.store(order)

    await rig.work()
    assert [line.result for line in await rig.listed(order.id, Channel.Sms)] == [Result.SMS_NEW]
    await rig.work(after=timedelta(hours=10))
    assert await rig.kept() == []  # 09:00:00 exactly is outside
    await rig.work(after=timedelta(seconds=1))

    assert [line.result for line in await rig.listed(order.id, Channel.Sms)] == [Result.SMS_DELIVERED]
    state = await rig.state(order.id)
    assert (state.sms_generated, state.sms_succeeded) == (1, 1)


async def test_an_sms_of_policy_anytime_leaves_at_night(rig: Rig) -> None:
    rig.hand.turn(timedelta(hours=11))
    order = make_order(
        numbers("+4799999999"),
        NOON,
        channel=NotificationChannel.Sms,
        sending_time_policy=SendingTimePolicy.Anytime,
    )
    await rig.store(order)

    await rig.work()

    assert [line.result for line in await rig.listed(order.id, Channel.Sms)] == [Result.SMS_DELIVERED]


async def test_a_waiting_sms_expires_without_having_been_sent(rig: Rig) -> None:
    """Nothing stays open for ever, also not what was never handed over (processing.md W3)."""
    order = make_order(numbers("+4799999999"), NOON, channel=NotificationChannel.Sms)
    rig.hand.turn(timedelta(hours=11))
    await rig.store(order)
    await rig.work()

    rig.hand.turn(timedelta(hours=48))  # at 23:00 two days later nobody was there in between
    await rig.work()

    assert [line.result for line in await rig.listed(order.id, Channel.Sms)] == [Result.SMS_FAILED_TTL]
    assert (await rig.state(order.id)).status is OrderStatus.Completed


async def test_small_orders_share_chunks_but_complete_apart(rig: Rig) -> None:
    stored = [await rig.store(make_order(emails(f"user{number}"), NOON)) for number in range(30)]

    await rig.work()

    assert {(await rig.state(order)).status for order in stored} == {OrderStatus.Completed}
    assert len(await rig.kept()) == 30


async def test_old_orders_are_forgotten_with_all_that_belongs_to_them(rig: Rig, pool: Pool) -> None:
    await rig.store(make_order(emails("kari"), NOON))
    await rig.work()

    # Ids are minted by the machine's clock, so this long after *its* now they are old.
    await rig.work(after=datetime.now(UTC) - NOON + timedelta(days=401))

    for table in ("orders", "order_parts", "notifications", "chunks", "sandbox_messages"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0, table
