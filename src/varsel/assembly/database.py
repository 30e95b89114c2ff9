"""The database of this installation: the embedded server or the one given, a pool on it, the schema."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from varsel.settings import Settings
from varsel.storage.embedded import EmbeddedPostgres
from varsel.storage.migrate import migrate as apply_migrations
from varsel.storage.pool import Pool, open_pool

_SILENCE = 2.0
"""Seconds after its own time-out within which a server that is there has said that it ended a statement."""


@asynccontextmanager
async def database_address(settings: Settings) -> AsyncIterator[str]:
    """Give the address to connect to; without one in the settings the embedded server runs meanwhile."""
    if settings.database_url is not None:
        yield settings.database_url.reveal()
        return
    server = EmbeddedPostgres(settings.data_dir)
    url = await asyncio.to_thread(server.start)
    try:
        yield url
    finally:
        await asyncio.to_thread(server.stop)


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
