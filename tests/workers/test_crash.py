"""`kill -9` at every statement of a worker: nothing is lost, nothing sticks, and what is repeated shows (design.md 2.2)."""

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

    async def set(self, orders: Sequence[Order]) -> None:
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

    async def survives(self, now: datetime, dies_at: int) -> bool:
        """Let a mortal worker work, and wait until the server has noticed its end."""
        survived = self.workers.survives(self.url, now, dies_at=dies_at, window=self.window, resend=self.resend)
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
    "small orders that share a chunk": ([make_order(emails(f"user{n}"), NOON) for n in range(5)], 2, 1),
    "e-mails and SMS": ([make_order(both("kari", "ola"), NOON, channel=NotificationChannel.EmailAndSms)], 500, 1),
    "a large order in small windows": ([make_order(many(2_300), NOON)], 100, 17),
}
"""Orders, what the provider takes at once, and how many statements lie between one death and the next."""


@pytest.mark.parametrize("scene", SCENES)
async def test_nothing_is_lost_and_only_what_was_in_flight_is_repeated(stage: Stage, scene: str) -> None:
    orders, stage.window, step = SCENES[scene]
    for dies_at in count(1, step):
        await stage.set(orders)
        survived = await stage.survives(NOON, dies_at)
        in_doubt = await stage.in_doubt()

        rig = stage.rig(LATER)
        await rig.work()

        await assert_all_is_done(rig, orders)
        repeated = assert_each_attempt_is_numbered(await rig.kept())
        assert repeated <= in_doubt
        assert len(in_doubt) <= CONCURRENCY * stage.window
        await assert_repeats_show(rig, repeated)
        if survived:
            assert not repeated
            break
    assert dies_at > 10 * step


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


async def assert_repeats_show(rig: Rig, repeated: set[UUID]) -> None:
    """Check that operators can see of a notification that it was sent more than once."""
    rows = await rig.pool.fetch("SELECT attempts, detail FROM notifications WHERE id = ANY($1::uuid[])", repeated)
    assert all(row["attempts"] == 2 and row["detail"] == LOST for row in rows)
