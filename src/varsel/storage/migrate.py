"""The schema, as plain numbered SQL: `migrations/NNNN_name.sql`, counted from 0001 without gaps, forward only.

Each file runs in a transaction of its own together with the row that says it was applied, so a failure keeps nothing
of it. It waits for locks only briefly, because whoever comes after it waits for it in turn. A file that cannot run in a
transaction (`CREATE INDEX CONCURRENTLY`) begins with the line `-- varsel: no transaction`; it holds one statement that
may safely run twice, because nothing undoes it when it is interrupted.

A file never changes once it was applied somewhere; its checksum is kept to notice. A database *ahead* of the code is
fine (old processes keep running while a newer version migrates), so every migration must leave the code before it
working.
"""

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import resources
from importlib.resources.abc import Traversable
from time import monotonic

import asyncpg

from varsel.errors import DatabaseUnavailable, SchemaMismatch
from varsel.mechanisms.backoff import exponential
from varsel.storage.pool import Connection, Pool

_log = logging.getLogger(__name__)

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_NO_TRANSACTION = "-- varsel: no transaction"

LOCK_KEY = 0x7661_7273_656C  # "varsel"
_TRY_LOCK = f"SELECT 1 WHERE pg_try_advisory_xact_lock({LOCK_KEY})"
_LOCK_PAUSE = 0.05
_LONGEST_MIGRATION = 24 * 3600.0
_LOCK_TIMEOUT = timedelta(seconds=3)
"""How long a migration waits for a lock: everybody else who wants the table waits behind it meanwhile."""
_FIRST_REST, _LONGEST_REST = timedelta(seconds=1), timedelta(seconds=20)
"""Pauses in which others may pass before the lock is asked for again."""

_CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
_RECORD = "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: its place in the row, its name and its SQL."""

    number: int
    name: str
    sql: str = field(repr=False)

    @property
    def checksum(self) -> str:
        """SHA-256 of the SQL, the same whichever line ends a checkout uses."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def in_transaction(self) -> bool:
        """Whether it runs inside a transaction, as all do that do not say otherwise in their first line."""
        return not self.sql.startswith(_NO_TRANSACTION)

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


def shipped() -> Traversable:
    """Return the folder of migrations that belongs to this version of the code."""
    return resources.files("varsel.storage").joinpath("migrations")


def read(folder: Traversable) -> list[Migration]:
    """Return the migrations of `folder` in order; raises `SchemaMismatch` when their numbers are not 1, 2, 3 …"""
    if not folder.is_dir():
        return []
    matches = [(file, _FILE_NAME.fullmatch(file.name)) for file in folder.iterdir()]
    migrations = [Migration(int(m[1]), m[2], _text(file)) for file, m in matches if m]
    migrations.sort(key=lambda migration: migration.number)
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise SchemaMismatch(
            f"The migrations {', '.join(map(str, migrations))} are not numbered 0001, 0002, … without gaps or doubles. "
            "Two branches may have added the same number: renumber the one that was not released yet."
        )
    return migrations


def _text(file: Traversable) -> str:
    return file.read_bytes().decode("utf-8").replace("\r\n", "\n")


async def migrate(
    pool: Pool,
    *,
    folder: Traversable | None = None,
    patience: float = 600.0,
    lock_timeout: timedelta = _LOCK_TIMEOUT,
) -> list[Migration]:
    """Bring the database to the schema of this code and return what was applied, nothing if it was there already.

    Any number of processes may call this at once: one applies, the others wait up to `patience` seconds and find
    nothing left to do. A migration that does not get a lock within `lock_timeout` gives up what it has, lets others
    pass, and is tried again, for as long as `patience` lasts. Uses two connections of `pool`.

    Raises `SchemaMismatch` when a migration fails or an applied one was changed, `DatabaseUnavailable` when the wait is
    too long.
    """
    if pool.get_max_size() < 2:
        raise ValueError("migrate needs a pool of at least two connections: one holds the lock, one does the work")
    migrations = read(folder or shipped())
    async with _only_one(pool, patience), pool.acquire() as connection:
        await connection.execute(_CREATE_TABLE)
        pending = _pending(migrations, await _applied(connection))
        for migration in pending:
            await _apply(connection, migration, _Waiting(lock_timeout, monotonic() + patience))
    return pending


async def check(database: Pool | Connection, *, folder: Traversable | None = None) -> None:
    """Raise `SchemaMismatch` unless the database has every migration of this code, unchanged; being ahead is fine."""
    if pending := await missing(database, folder=folder):
        raise SchemaMismatch(
            f"The database lacks {len(pending)} migrations, from {pending[0]} on. Run `varsel migrate`."
        )


async def missing(database: Pool | Connection, *, folder: Traversable | None = None) -> list[Migration]:
    """Return the migrations of this code that the database lacks; `SchemaMismatch` where an applied one differs."""
    return _pending(read(folder or shipped()), await _applied(database))


@asynccontextmanager
async def _only_one(pool: Pool, patience: float) -> AsyncIterator[None]:
    """Hold the migration lock in a transaction of its own, which a transaction-mode pooler leaves whole.

    The lock is asked for again and again, and in the simple query protocol: a waiting statement, or a portal that the
    extended protocol leaves open, holds a snapshot; `CREATE INDEX CONCURRENTLY` waits for every snapshot older than its
    own, so it would wait for us, and we for it.
    """
    deadline = monotonic() + patience
    async with pool.acquire() as connection, connection.transaction(isolation="read_committed"):
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        while await connection.execute(_TRY_LOCK) != "SELECT 1":
            if monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"Another process has been migrating this database for {patience:g} s. Wait for it, or look in "
                    "pg_stat_activity for what it waits for, and start Varsel again."
                )
            await asyncio.sleep(_LOCK_PAUSE)
        yield


async def _applied(database: Pool | Connection) -> dict[int, tuple[str, str]]:
    """Return name and checksum of the applied migrations by number; nothing when there never was one."""
    if await database.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return {}
    rows = await database.fetch("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
    return {row["number"]: (row["name"], row["checksum"]) for row in rows}


def _pending(migrations: Sequence[Migration], applied: dict[int, tuple[str, str]]) -> list[Migration]:
    """Return the migrations still to apply, after making sure that the others are what was applied."""
    for migration in migrations:
        name, checksum = applied.get(migration.number, (migration.name, migration.checksum))
        if checksum != migration.checksum:
            raise SchemaMismatch(
                f"Migration {migration} is not the one this database was built with ({migration.number:04}_{name}). "
                "Applied migrations never change: restore the file and put the change into a new one. "
                "If this database holds nothing of worth, start with an empty one."
            )
    if ahead := sorted(applied.keys() - {migration.number for migration in migrations}):
        _log.warning("the database is ahead of this version by migrations %s: a newer Varsel has migrated it", ahead)
    return [migration for migration in migrations if migration.number not in applied]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """How long to wait for locks: each time, and until when (by `monotonic`) in all."""

    lock_timeout: timedelta
    until: float


async def _apply(connection: Connection, migration: Migration, waiting: _Waiting) -> None:
    _log.info("applying migration %s", migration)
    try:
        if migration.in_transaction:
            await _apply_when_free(connection, migration, waiting)
        else:
            await _apply_bare(connection, migration)
    except asyncpg.PostgresError as failure:
        kept = "Nothing of it was kept" if migration.in_transaction else "Parts of it may have been kept"
        raise SchemaMismatch(
            f"Migration {migration} failed: {failure}. {kept}; earlier ones stay applied."
        ) from failure


async def _apply_when_free(connection: Connection, migration: Migration, waiting: _Waiting) -> None:
    """Apply a migration, again and again while others hold a lock it needs."""
    failures = 0
    while True:
        try:
            return await _apply_whole(connection, migration, waiting.lock_timeout)
        except asyncpg.LockNotAvailableError as refusal:
            failures += 1
            rest = exponential(failures, _FIRST_REST, _LONGEST_REST).total_seconds()
            if monotonic() + rest > waiting.until:
                raise DatabaseUnavailable(
                    f"Migration {migration} did not get a lock it needs: a long transaction holds it. Nothing of it "
                    "was kept. Look in pg_stat_activity for who that is, and start Varsel again."
                ) from refusal
            _log.warning("migration %s waits for a lock that others hold; trying again in %.0f s", migration, rest)
        await asyncio.sleep(rest)


async def _apply_whole(connection: Connection, migration: Migration, lock_timeout: timedelta) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = {round(lock_timeout.total_seconds() * 1000)}")
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute(migration.sql, timeout=_LONGEST_MIGRATION)
        await connection.execute(_RECORD, migration.number, migration.name, migration.checksum)


async def _apply_bare(connection: Connection, migration: Migration) -> None:
    await connection.execute("SET statement_timeout = 0")
    try:
        await connection.execute(migration.sql, timeout=_LONGEST_MIGRATION)
    finally:
        await connection.execute("RESET statement_timeout")
    await connection.execute(_RECORD, migration.number, migration.name, migration.checksum)
