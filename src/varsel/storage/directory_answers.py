"""Answers of directories, left in the database for other processes (docs/decisions/0020)."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from varsel.errors import StorageError
from varsel.model.contacts import LeftAnswer
from varsel.storage import queries
from varsel.storage.pool import Pool

_SQL = queries.load("directory_answers")
_PATIENCE = 2.0
"""Seconds after which it is better to ask the directory."""


class DirectoryAnswers:
    """Keeps answers until they are too old. Every method raises `StorageError` when the database does not do it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def look(self, digests: Sequence[bytes], *, since: datetime, now: datetime) -> list[LeftAnswer | None]:
        """Return what was left under each of `digests` and asked for after `since`, until `now`."""
        async with _without_values("read"):
            rows = await self._pool.fetch(*_SQL["look"].of(digests=digests, since=since, now=now))
        found = {place: LeftAnswer(*left) for place, *left in rows}
        return [found.get(place) for place in range(1, len(digests) + 1)]

    async def leave(self, answers: Mapping[bytes, LeftAnswer], *, until: datetime) -> None:
        """Leave answers under their digests, of use until then."""
        ordered = sorted(answers.items())
        async with _without_values("kept"):
            await self._pool.execute(
                *_SQL["leave"].of(
                    digests=[digest for digest, _ in ordered],
                    directories=[answer.directory for _, answer in ordered],
                    answers=[answer.packed for _, answer in ordered],
                    asked_at=[answer.asked_at for _, answer in ordered],
                    until=until,
                )
            )


@asynccontextmanager
async def _without_values(done: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_PATIENCE):
            yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
        # a time-out is an OSError; PostgreSQL's own words may quote values
        raise StorageError(f"Answers of directories could not be {done} ({type(failure).__name__}).") from None
