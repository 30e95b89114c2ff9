"""States of a database in which it will come back: read-only, or closed to whoever logs in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from varsel.storage.pool import Pool


async def administer(url: str, statement: str) -> None:
    """Run one statement on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def make_read_only(server: str, database_url: str, pool: Pool) -> None:
    """Let every session of the pool be one on a read-only server."""
    await administer(server, f"ALTER DATABASE {name_of(database_url)} SET default_transaction_read_only = on")
    await pool.expire_connections()


async def make_writable(server: str, database_url: str) -> None:
    """Let new sessions write; those there are stay as they are."""
    await administer(server, f"ALTER DATABASE {name_of(database_url)} RESET default_transaction_read_only")


@asynccontextmanager
async def closed_to_logins(server: str, database_url: str, pool: Pool) -> AsyncIterator[None]:
    """Let nobody log in for the time of the block."""
    database = name_of(database_url)
    await administer(server, f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    await pool.expire_connections()
    try:
        yield
    finally:
        await administer(server, f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")


def name_of(database_url: str) -> str:
    """Return the name of the database."""
    return urlsplit(database_url).path[1:]
