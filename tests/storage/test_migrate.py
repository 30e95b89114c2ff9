"""Migrations: in order, once, whole, whoever else is at it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

from tests.support.orders import emails, make_order
from tests.support.rig import NOON
from tests.support.until import until
from varsel.errors import DatabaseUnavailable, SchemaMismatch
from varsel.model.clock import LATEST
from varsel.storage import orders
from varsel.storage.migrate import LOCK_KEY, Migration, check, migrate, read, shipped
from varsel.storage.pool import Pool, open_pool

FIRST = "CREATE TABLE letters (letter text)"
SECOND = "INSERT INTO letters VALUES ('a'); ALTER TABLE letters ADD COLUMN size integer"
BESIDE = "-- varsel: no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS letters_letter ON letters (letter)"


@pytest.fixture
async def empty_pool(empty_database_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(empty_database_url, min_size=1, max_size=10) as opened:
        yield opened


def folder_of(path: Path, *texts: str) -> Path:
    path.mkdir(exist_ok=True)
    for number, text in enumerate(texts, start=1):
        (path / f"{number:04}_step.sql").write_text(text, encoding="utf-8")
    return path


def numbers(migrations: list[Migration]) -> list[int]:
    return [migration.number for migration in migrations]


async def letters(pool: Pool) -> list[str]:
    return [row["letter"] for row in await pool.fetch("SELECT letter FROM letters")]


async def test_the_shipped_schema_is_built_and_agrees_with_the_code(empty_pool: Pool) -> None:
    assert await migrate(empty_pool) == read(shipped())
    await check(empty_pool)
    assert await migrate(empty_pool) == []


async def test_migrations_run_once_and_in_order(empty_pool: Pool, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, FIRST)
    assert numbers(await migrate(empty_pool, folder=folder)) == [1]
    folder_of(tmp_path, FIRST, SECOND, "INSERT INTO letters VALUES ('b', 1)")
    assert numbers(await migrate(empty_pool, folder=folder)) == [2, 3]
    assert await migrate(empty_pool, folder=folder) == []
    assert await letters(empty_pool) == ["a", "b"]
    rows = await empty_pool.fetch("SELECT number, name FROM schema_migrations ORDER BY applied")
    assert [tuple(row) for row in rows] == [(1, "step"), (2, "step"), (3, "step")]


async def test_many_processes_may_start_at_once(empty_database_url: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, FIRST, SECOND, BESIDE, "INSERT INTO letters VALUES ('b', 1)")

    async def process() -> list[int]:
        async with await open_pool(empty_database_url, min_size=1, max_size=2) as pool:
            return numbers(await migrate(pool, folder=folder))

    applied = await asyncio.gather(*(process() for _ in range(5)))
    assert sorted(applied) == [[], [], [], [], [1, 2, 3, 4]]


async def test_waiting_for_another_process_has_an_end(empty_pool: Pool, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, FIRST)
    async with empty_pool.acquire() as other, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
        with pytest.raises(DatabaseUnavailable, match="pg_stat_activity"):
            await migrate(empty_pool, folder=folder, patience=0)
    assert numbers(await migrate(empty_pool, folder=folder)) == [1]


async def test_a_migration_that_waits_for_a_lock_lets_others_pass(
    empty_pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of(tmp_path, FIRST)
    await migrate(empty_pool, folder=folder)
    folder_of(tmp_path, FIRST, SECOND)
    async with empty_pool.acquire() as reader, reader.transaction():
        await reader.execute("SELECT FROM letters")
        migrating = asyncio.create_task(migrate(empty_pool, folder=folder, lock_timeout=timedelta(milliseconds=10)))
        await until(lambda: said(caplog, "waits for a lock that others hold"))
        assert await letters(empty_pool) == []  # would wait behind the migration if that still waited
        with pytest.raises(DatabaseUnavailable, match="pg_stat_activity"):
            await migrate_alone(empty_pool, folder, migrating)
    assert numbers(await migrate(empty_pool, folder=folder)) == [2]


async def migrate_alone(pool: Pool, folder: Path, other: asyncio.Task[list[Migration]]) -> None:
    """Migrate without patience, once the other attempt is called off."""
    other.cancel()
    await asyncio.wait([other])
    await migrate(pool, folder=folder, patience=0, lock_timeout=timedelta(milliseconds=10))


async def said(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return words in caplog.text


async def test_send_times_that_were_stored_as_infinity_become_instants(pool: Pool) -> None:
    order = make_order(emails("kari"), NOON)
    await orders.insert_many(pool, [order])
    await pool.execute("UPDATE orders SET requested_send_time = 'infinity', due = 'infinity'")
    (migration,) = [migration for migration in read(shipped()) if migration.name == "finite_send_times"]
    await pool.execute(migration.sql)
    assert await pool.fetchval("SELECT requested_send_time FROM orders WHERE due = requested_send_time") == LATEST


async def test_nothing_is_kept_of_a_migration_that_fails(empty_pool: Pool, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, FIRST, "INSERT INTO letters VALUES ('half'); SELECT 1 / 0")
    with pytest.raises(SchemaMismatch, match=r"0002_step failed: division by zero. Nothing of it was kept"):
        await migrate(empty_pool, folder=folder)
    assert await letters(empty_pool) == []
    folder_of(tmp_path, FIRST, SECOND)
    assert numbers(await migrate(empty_pool, folder=folder)) == [2]


async def test_one_that_cannot_run_in_a_transaction_says_so(empty_pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(SchemaMismatch, match="cannot run inside a transaction block"):
        await migrate(empty_pool, folder=folder_of(tmp_path, FIRST, BESIDE.split("\n")[1]))
    assert numbers(await migrate(empty_pool, folder=folder_of(tmp_path, FIRST, BESIDE))) == [2]
    assert await empty_pool.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 'letters_letter'::regclass")


async def test_statement_time_outs_do_not_end_a_migration(empty_database_url: str, tmp_path: Path) -> None:
    bare = "-- varsel: no transaction\nSELECT pg_sleep(0.6)"
    folder = folder_of(tmp_path, "SELECT pg_sleep(0.6)", bare)
    async with await open_pool(
        empty_database_url, min_size=1, max_size=2, statement_timeout=0.5, command_timeout=0.5
    ) as pool:
        assert numbers(await migrate(pool, folder=folder)) == [1, 2]
        async with pool.acquire() as one, pool.acquire() as two:
            assert [await each.fetchval("SHOW statement_timeout") for each in (one, two)] == ["500ms", "500ms"]


async def test_a_changed_migration_is_refused(empty_pool: Pool, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, FIRST)
    await migrate(empty_pool, folder=folder)
    folder_of(tmp_path, "CREATE TABLE letters (letter text, more text)", SECOND)
    with pytest.raises(SchemaMismatch, match="0001_step is not the one"):
        await check(empty_pool, folder=folder)
    with pytest.raises(SchemaMismatch, match="restore the file"):
        await migrate(empty_pool, folder=folder)
    assert await empty_pool.fetchval("SELECT count(*) FROM schema_migrations") == 1


async def test_line_ends_of_a_checkout_do_not_count_as_a_change(empty_pool: Pool, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "CREATE TABLE letters (\n  letter text\n)")
    await migrate(empty_pool, folder=folder)
    (folder / "0001_step.sql").write_bytes(b"CREATE TABLE letters (\r\n  letter text\r\n)")
    await check(empty_pool, folder=folder)


@pytest.mark.parametrize("applied", [0, 1])
async def test_a_database_that_is_behind_is_told_what_to_do(empty_pool: Pool, tmp_path: Path, applied: int) -> None:
    texts = [FIRST, SECOND]
    folder = folder_of(tmp_path, *texts[:applied])
    if applied:
        await migrate(empty_pool, folder=folder)
    folder_of(tmp_path, *texts)
    with pytest.raises(SchemaMismatch, match=rf"lacks {2 - applied} migrations.*{applied + 1:04}_step.*varsel migrate"):
        await check(empty_pool, folder=folder)


async def test_old_code_may_run_on_a_newer_schema(
    empty_pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await migrate(empty_pool, folder=folder_of(tmp_path / "new", FIRST, SECOND))
    old = folder_of(tmp_path / "old", FIRST)
    caplog.set_level(logging.WARNING)
    await check(empty_pool, folder=old)
    assert "ahead of this version by migrations [2]" in caplog.text
    assert await migrate(empty_pool, folder=old) == []


@pytest.mark.parametrize("names", [["0002_b.sql"], ["0001_a.sql", "0003_c.sql"], ["0001_a.sql", "0001_b.sql"]])
def test_gaps_and_doubles_are_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1", encoding="utf-8")
    with pytest.raises(SchemaMismatch, match="renumber"):
        read(tmp_path)


async def test_no_migrations_are_no_trouble(empty_pool: Pool, tmp_path: Path) -> None:
    folders: list[Traversable] = [tmp_path, tmp_path / "missing"]
    for folder in folders:
        assert await migrate(empty_pool, folder=folder) == []
        await check(empty_pool, folder=folder)


async def test_a_pool_of_one_is_refused_instead_of_waiting_for_itself(empty_database_url: str) -> None:
    async with await open_pool(empty_database_url, min_size=1, max_size=1) as pool:
        with pytest.raises(ValueError, match="two connections"):
            await migrate(pool)
