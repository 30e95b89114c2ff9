"""Machines whose clocks disagree: work goes by the database's clock."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.orders import emails, make_order
from tests.support.providers import HeldProvider
from tests.support.rig import LEASE, Rig
from varsel.channels.protocol import Accepted
from varsel.contacts.fixed import FixedDirectory
from varsel.model.clock import CorrectedClock, HandTurnedClock
from varsel.storage.pool import Pool
from varsel.storage.watch import DatabaseWatch

MINUTE = timedelta(minutes=1)


async def on_a_machine(pool: Pool, directory: Path, *, off_by: timedelta) -> tuple[Rig, HeldProvider]:
    """Return a crew on a machine whose clock is wrong by so much."""
    clock, provider = CorrectedClock(HandTurnedClock(datetime.now(UTC) + off_by)), HeldProvider()
    await DatabaseWatch(pool, clock).look()
    return Rig(pool, FixedDirectory(directory / "directory.json"), clock=clock, email=provider), provider


async def test_a_fast_clock_takes_nobodys_lease(pool: Pool, tmp_path: Path) -> None:
    holder, held = await on_a_machine(pool, tmp_path, off_by=-3 * LEASE)
    other, idle = await on_a_machine(pool, tmp_path, off_by=3 * LEASE)
    await holder.store(make_order(emails("kari"), holder.clock.now() - MINUTE))
    working = asyncio.create_task(holder.crew.run_until_idle())
    await held.called()

    await other.crew.run_until_idle()

    assert idle.taken == []
    held.answer(Accepted("ref-1"))
    await working


async def test_a_fast_clock_sends_nothing_before_its_time(pool: Pool, tmp_path: Path) -> None:
    right, _ = await on_a_machine(pool, tmp_path, off_by=timedelta(0))
    fast, idle = await on_a_machine(pool, tmp_path, off_by=5 * MINUTE)
    await right.store(make_order(emails("kari"), right.clock.now() + MINUTE))

    await fast.crew.run_until_idle()

    assert idle.taken == []
