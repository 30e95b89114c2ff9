"""What tests of the embedded PostgreSQL ask a server, and see of it from outside."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg

CONNECTION_LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def fetch(url: str, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of one query on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query, *parameters)]
    finally:
        await connection.close()


async def execute(url: str, statement: str) -> None:
    """Run one statement on a connection of its own."""
    await fetch(url, statement)


async def kept(url: str) -> set[object]:
    """Return what the table `kept` holds."""
    return {row[0] for row in await fetch(url, "SELECT n FROM kept")}


def answers(url: str) -> bool:
    """Whether a server accepts connections at `url`; for tests without a loop of their own."""
    try:
        asyncio.run(execute(url, "SELECT 1"))
    except CONNECTION_LOST:
        return False
    return True


def pid_file(data_dir: Path) -> Path:
    """Return where the server of `data_dir` notes its process number."""
    return data_dir / "postgres" / "postmaster.pid"


def pid_in(pid_file: Path) -> int:
    """Return the process number in such a file."""
    return int(pid_file.read_text().split()[0])
