"""`kill -9` after every statement of a worker: nothing is lost or stuck, and what is repeated shows (design.md 2.2)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from tests.support.dying_worker import NAME, DyingWorkers
from tests.support.orders import emails, make_order, many
from tests.support.rig import LEASE, NOON, Rig, crew_options, send_options
from tests.support.truths import assert_counters_are_true, assert_nothing_is_held
from tests.support.until import until
from varsel.contacts.fixed import FixedDirectory
from varsel.model.orders import NotificationChannel, Order, OrderStatus, Recipient, unpack_recipients
from varsel.model.results import Channel, Result
from varsel.storage.pool import Pool
from varsel.storage.sandbox import KeptMessage

CONCURRENCY = 4
"""Bundles a lane has under way at once, hence windows in flight when it dies."""

LATER = NOON + LEASE + timedelta(seconds=1)
"""When the leases of the dead have run out."""

LOST = "The outcome of an earlier attempt was lost; it may have been sent before."


@pytest.fixture(scope="module")
def workers() -> Iterator[DyingWorkers]:
    with DyingWorkers() as started:
        yield started


@dataclass
class Stage:
    """A database on which workers die over the same orders again and again."""

    workers: DyingWorkers
    pool: Pool
    url: str
    window: int = 500
    resend: bool = True

    async def begin(self, orders: Sequence[Order]) -> None:
        """Begin anew with `orders`."""
        await self.pool.execute(
            "TRUNCATE orders, order_parts, notifications, chunks, delivery_reports, lane_pauses, sandbox_messages"
        )
        rig = self.rig(NOON)
        for order in orders:
            await rig.store(order)

    def rig(self, now: datetime) -> Rig:
        """Make an immortal worker."""
        send = {channel: send_options(resend=self.resend) for channel in Channel}
        return Rig(self.pool, FixedDirectory(None), options=crew_options(send), now=now, window=self.window)

    async def survives(self, now: datetime, dies_after: int) -> bool:
        """Let a mortal worker work, and wait until the server has noticed its end."""
        survived = self.workers.survives(self.url, now, dies_after=dies_after, window=self.window, resend=self.resend)
        await until(self._nobody_is_connected)
        return survived

    async def _nobody_is_connected(self) -> bool:
        connected = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1)"
        return not await self.pool.fetchval(connected, NAME)

    async def in_doubt(self) -> set[UUID]:
        """Read which notifications a dead worker may have handed over without recording it."""
        rows = await self.pool.fetch(
            """SELECT n.id FROM notifications n JOIN chunks c ON c.id = n.chunk_id
               WHERE c.leased AND n.id <= c.intended_through AND n.result = ANY($1::smallint[])""",
            [Result.EMAIL_NEW, Result.SMS_NEW],
        )
        return {row["id"] for row in rows}


@pytest.fixture
def stage(workers: DyingWorkers, pool: Pool, database_url: str) -> Stage:
    return Stage(workers, pool, database_url)


def both(*local_parts: str) -> list[Recipient]:
    """Make recipients with an e-mail address and a mobile number each."""
    return [
        Recipient(email_address=f"{local}@example.com", mobile_number=f"+479999990{number}")
        for number, local in enumerate(local_parts)
    ]


SCENES = {
    "one small order": ([make_order(emails("kari", "ola", "bounced"), NOON)], 500, 1),
    "small orders that share a chunk": ([make_order(emails(f"user{n}"), NOON) for n in range(5)], 2, 2),
    "e-mails and SMS": ([make_order(both("kari", "ola"), NOON, channel=NotificationChannel.EmailAndSms)], 500, 2),
    "a large order in small windows": ([make_order(many(2_300), NOON)], 100, 13),
}
"""Orders, what the provider takes at once, and how many statements lie between one death and the next."""


@pytest.mark.parametrize("scene", SCENES)
async def test_nothing_is_lost_and_only_what_was_in_flight_is_repeated(stage: Stage, scene: str) -> None:
    orders, stage.window, step = SCENES[scene]
    repeated, repeats = set[UUID](), 0
    for dies_after in count(1, step):
        await stage.begin(orders)
        survived = await stage.survives(NOON, dies_after)
        in_doubt = await stage.in_doubt()
        assert len(in_doubt) <= CONCURRENCY * stage.window

        rig = stage.rig(LATER)
        await rig.work()

        await assert_all_is_done(rig, orders)
        repeated = assert_each_attempt_is_numbered(await rig.kept())
        assert repeated <= in_doubt
        await assert_repeats_show(rig, repeated)
        repeats += len(repeated)
        if survived:
            break
    assert not repeated, "nobody died at last"
    assert repeats > 0, "no death came between a hand-over and its record"


async def test_what_may_have_been_sent_is_not_sent_again_where_so_set(stage: Stage) -> None:
    orders = [make_order(many(7), NOON)]
    stage.window, stage.resend = 3, False
    failed, failures = set[UUID](), 0
    for dies_after in count(1):
        await stage.begin(orders)
        survived = await stage.survives(NOON, dies_after)
        in_doubt = await stage.in_doubt()
        assert len(in_doubt) <= stage.window

        rig = stage.rig(LATER)
        await rig.work()

        listed = await rig.listed(orders[0].id)
        failed = {line.id for line in listed if line.result is Result.EMAIL_FAILED}
        sent = Counter(message.notification_id for message in await rig.kept())
        assert failed == in_doubt
        assert {line.id for line in listed if line.result is Result.EMAIL_DELIVERED} == {*sent} - in_doubt
        assert set(sent.values()) == {1}
        await assert_repeats_show(rig, failed, attempts=1)
        await assert_counters_are_true(stage.pool)
        await assert_nothing_is_held(stage.pool)
        failures += len(failed)
        if survived:
            break
    assert not failed, "nobody died at last"
    assert failures > 0


async def test_a_retry_outlives_the_death_of_its_worker(stage: Stage) -> None:
    orders = [make_order(emails("transient", "kari"), NOON)]
    attempts = set[int]()
    for dies_after in count(1):
        await stage.begin(orders)
        await stage.rig(NOON).work()  # refused for a moment: set aside, to be tried again after a minute or so
        survived = await stage.survives(NOON + timedelta(seconds=90), dies_after)

        rig = stage.rig(NOON + timedelta(seconds=90) + LEASE)
        await rig.work(after=timedelta(seconds=1))
        await rig.work(after=timedelta(minutes=10))

        await assert_all_is_done(rig, orders)
        kept = await rig.kept()
        assert_each_attempt_is_numbered(kept)
        attempts |= {message.attempt for message in kept}
        if survived:
            break
    assert attempts == {1, 2, 3}


async def test_workers_that_die_one_after_the_other_get_the_work_done(stage: Stage) -> None:
    """However little each of them gets done before it dies, what it did is not done again."""
    orders = [make_order(emails("kari"), NOON), make_order(many(700), NOON)]
    stage.window = 100
    await stage.begin(orders)

    lives = 1
    while not await stage.survives(NOON + lives * (LEASE + timedelta(seconds=1)), dies_after=12):
        lives += 1

    await assert_all_is_done(stage.rig(NOON), orders)
    kept = await stage.rig(NOON).kept()
    assert_each_attempt_is_numbered(kept)
    assert len(kept) <= 701 + lives * CONCURRENCY * stage.window
    assert lives > 3


async def assert_all_is_done(rig: Rig, orders: Sequence[Order]) -> None:
    """Check that every order is through, every recipient was written to, and no worker will ever come back."""
    recipients = {
        address
        for order in orders
        for part in order.recipients
        for recipient in unpack_recipients(part)
        for address in (recipient.email_address, recipient.mobile_number)
        if address
    }
    assert {message.recipient for message in await rig.kept()} == recipients
    assert {(await rig.state(order.id)).status for order in orders} == {OrderStatus.Completed}
    await assert_counters_are_true(rig.pool)
    await assert_nothing_is_held(rig.pool)


def assert_each_attempt_is_numbered(kept: Sequence[KeptMessage]) -> set[UUID]:
    """Check that no number of an attempt was used twice, and return the notifications with more than one."""
    assert len({(message.notification_id, message.attempt) for message in kept}) == len(kept)
    counted = Counter(message.notification_id for message in kept)
    return {notification for notification, times in counted.items() if times > 1}


async def assert_repeats_show(rig: Rig, doubtful: set[UUID], *, attempts: int = 2) -> None:
    """Check that operators can see of notifications that they may have been sent more often than was recorded."""
    rows = await rig.pool.fetch("SELECT attempts, detail FROM notifications WHERE id = ANY($1::uuid[])", doubtful)
    assert {(row["attempts"], row["detail"]) for row in rows} <= {(attempts, LOST)}
