"""Watching the database: its clock, and the history its data belong to."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.database_states import administer, closed_to_logins, name_of
from tests.support.until import until
from varsel.model.clock import CorrectedClock, HandTurnedClock, SteadyClock
from varsel.storage.embedded import EmbeddedPostgres
from varsel.storage.migrate import migrate
from varsel.storage.pool import Pool, open_pool
from varsel.storage.watch import DatabaseWatch


async def test_a_clock_goes_by_the_databases(pool: Pool, caplog: pytest.LogCaptureFixture) -> None:
    slow = CorrectedClock(HandTurnedClock(datetime.now(UTC) - timedelta(seconds=90)))
    before = await pool.fetchval("SELECT clock_timestamp()")
    await DatabaseWatch(pool, slow).look()
    after = await pool.fetchval("SELECT clock_timestamp()")

    assert before <= slow.now() <= after
    assert "s behind the database's; Varsel goes by the database's" in caplog.text


async def test_a_difference_is_logged_when_it_comes_and_when_it_goes(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "varsel.storage.watch")
    machine = HandTurnedClock(datetime.now(UTC) + timedelta(seconds=90))
    watch = DatabaseWatch(pool, CorrectedClock(machine))
    for _ in range(3):
        await watch.look()
    machine.turn_to(await pool.fetchval("SELECT clock_timestamp()"))
    await watch.look()

    first, second = caplog.messages
    assert "ahead of the database's" in first
    assert "agree again" in second


async def test_the_history_stays_while_nothing_happens(pool: Pool) -> None:
    watch = DatabaseWatch(pool, CorrectedClock(SteadyClock()))
    assert watch.history() is None
    await watch.look()
    known = watch.history()
    await watch.look()
    assert known is not None
    assert watch.history() == known


@pytest.mark.parametrize(
    "event",
    ["TRUNCATE chains CASCADE", "DROP TABLE chains CASCADE; CREATE TABLE chains ()"],
    ids=["emptied", "restored in place"],
)
async def test_the_history_ends_where_chains_may_be_lost(pool: Pool, event: str) -> None:
    watch = DatabaseWatch(pool, CorrectedClock(SteadyClock()))
    await watch.look()
    known = watch.history()
    await pool.execute(event)
    await watch.look()
    assert watch.history() not in {None, known}


async def test_a_broken_connection_makes_the_history_uncertain_until_it_is_the_same_again(
    pool: Pool, database_server: str, database_url: str
) -> None:
    watch = DatabaseWatch(pool, CorrectedClock(SteadyClock()))
    await watch.look()
    known = watch.history()
    async with watching(watch):
        await until(lambda: _is_looking(pool))
        async with closed_to_logins(database_server, database_url, pool):
            await administer(database_server, _END_LOOKING.format(name_of(database_url)))
            await until(lambda: _is(watch, None))
        await until(lambda: _is_known(watch))
        assert watch.history() == known


async def test_another_server_is_another_history(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    async with await open_pool(await asyncio.to_thread(server.start), min_size=1, max_size=2) as pool:
        try:
            await migrate(pool)
            watch = DatabaseWatch(pool, CorrectedClock(SteadyClock()))
            await watch.look()
            known = watch.history()
            async with watching(watch):
                await asyncio.to_thread(server.stop)
                await until(lambda: _is(watch, None))
                await asyncio.to_thread(server.start)
                await until(lambda: _is_known(watch))
                assert watch.history() != known
        finally:
            await asyncio.to_thread(server.stop)


@asynccontextmanager
async def watching(watch: DatabaseWatch) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(watch.run(stopping))
        try:
            yield
        finally:
            stopping.set()


_LOOKING = "datname = '{}' AND query LIKE '%pg_postmaster_start_time%' AND pid <> pg_backend_pid()"
_END_LOOKING = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_LOOKING}"


async def _is_looking(pool: Pool) -> bool:
    database = await pool.fetchval("SELECT current_database()")
    return bool(await pool.fetch(f"SELECT FROM pg_stat_activity WHERE {_LOOKING.format(database)}"))


async def _is(watch: DatabaseWatch, expected: str | None) -> bool:
    return watch.history() == expected


async def _is_known(watch: DatabaseWatch) -> bool:
    return watch.history() is not None
