"""The database of this installation: the embedded server or the one given, a pool on it, the schema."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from varsel.errors import DatabaseUnavailable
from varsel.settings import Settings
from varsel.storage.embedded import EmbeddedPostgres
from varsel.storage.migrate import migrate as apply_migrations
from varsel.storage.pool import Pool, open_pool

_log = logging.getLogger(__name__)

_LOOK_EVERY = 1.0
"""Seconds between two looks at the embedded server."""
_MOST_FAILURES = 5
"""Attempts to start a server that has died, after which the process ends."""
_SILENCE = 2.0
"""Seconds after its own time-out within which a server that is there has said that it ended a statement."""


@asynccontextmanager
async def database_address(settings: Settings) -> AsyncIterator[str]:
    """Give the address to connect to; without one in the settings the embedded server runs meanwhile.

    One that dies is started again. When it cannot be, the block is cancelled and `DatabaseUnavailable` is raised, in a
    group: a process without its database should end, so that whoever supervises it sees that.
    """
    if settings.database_url is not None:
        yield settings.database_url.reveal()
        return
    server = EmbeddedPostgres(settings.data_dir)
    url = await asyncio.to_thread(server.start)
    ending = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_keep_alive(server, ending))
            try:
                yield url
            finally:
                ending.set()
    finally:
        await asyncio.to_thread(server.stop)


async def _keep_alive(server: EmbeddedPostgres, ending: asyncio.Event) -> None:
    """Start the server again whenever it has died; raises `DatabaseUnavailable` when that fails again and again."""
    failures = 0
    while not ending.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY):
                await ending.wait()
                return
        try:
            if await asyncio.to_thread(server.revive):
                _log.warning("the embedded PostgreSQL had died and was started again")
            failures = 0
        except DatabaseUnavailable as failure:
            failures += 1
            if failures == _MOST_FAILURES:
                raise
            _log.error("the embedded PostgreSQL has died: %s", failure)


@asynccontextmanager
async def open_database(settings: Settings, *, connections: int, name: str = "varsel") -> AsyncIterator[Pool]:
    """Open a pool for the time of the block."""
    timeout = settings.database_statement_timeout.total_seconds()
    async with database_address(settings) as address:
        pool = await open_pool(
            address,
            min_size=2,
            max_size=max(2, connections),
            application_name=name,
            transaction_pooler=settings.database_transaction_pooler,
            statement_timeout=timeout,
            command_timeout=timeout + _SILENCE,
            patience=settings.database_connect_wait.total_seconds(),
        )
        try:
            yield pool
        finally:
            await pool.close()


async def migrate(settings: Settings) -> list[str]:
    """Bring the database to the schema of this code and return the names of what was applied."""
    async with open_database(settings, connections=2, name="varsel migrate") as pool:
        return [str(migration) for migration in await apply_migrations(pool)]
