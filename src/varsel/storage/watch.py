"""Watching the database: what its clock says, and whether it still is the one we knew.

A connection of its own is kept for that. It breaks when the server stops or fails over, so that is noticed at once;
behind a pooler, which hides it, at the next look.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Final

from varsel.model.clock import CorrectedClock
from varsel.storage import queries
from varsel.storage.outages import is_outage
from varsel.storage.pool import Connection, Pool

_log = logging.getLogger(__name__)
_SQL = queries.load("watch")

_EVERY: Final = 1.0
"""Seconds between two looks."""
_LONGEST: Final = 5.0
"""Seconds a look may take."""
_TOLERABLE: Final = timedelta(seconds=1)
"""Difference between two clocks that is not worth a line in the log."""


class DatabaseWatch:
    """Keeps `clock` on the database's time, and knows the history its data belong to."""

    def __init__(self, pool: Pool, clock: CorrectedClock) -> None:
        self._pool = pool
        self._clock = clock
        self._told = timedelta(0)
        self._history: str | None = None
        self._woken = asyncio.Event()

    def history(self) -> str | None:
        """Return what tells the data's history from any other, or None while that is not certain.

        What was committed in one history may be missing from another: after a failover or a restore that lost it.
        """
        return self._history

    async def look(self) -> None:
        """Look once."""
        async with self._pool.acquire() as connection:
            await self._look(connection)

    async def run(self, stopping: asyncio.Event) -> None:
        """Look regularly until `stopping` is set."""
        ending = asyncio.create_task(self._wake_at(stopping))
        try:
            while not stopping.is_set():
                await self._keep_looking(stopping)
        finally:
            ending.cancel()

    async def _keep_looking(self, stopping: asyncio.Event) -> None:
        """Look on one connection until it breaks."""
        try:
            async with self._pool.acquire() as connection:
                connection.add_termination_listener(self._lost)
                while not stopping.is_set() and not connection.is_closed():
                    await self._look(connection)
                    await self._pause()
        except Exception as error:  # noqa: BLE001 - without looks the clock would drift and retries be answered slowly
            self._history = None
            level = logging.DEBUG if is_outage(error) else logging.ERROR
            _log.log(level, "the database could not be looked at (%s)", type(error).__name__)
            await self._pause()

    def _lost(self, *_connection: object) -> None:
        self._history = None
        self._woken.set()

    async def _wake_at(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._woken.set()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_EVERY):
                await self._woken.wait()
        self._woken.clear()

    async def _look(self, connection: Connection) -> None:
        asked = self._clock.uncorrected()
        row = await connection.fetchrow(*_SQL["look"].of(), timeout=_LONGEST)
        answered = self._clock.uncorrected()
        if row is not None:
            self._clock.follow(row["now"], asked=asked, answered=answered)
            self._history = row["history"]
            self._tell()

    def _tell(self) -> None:
        """Log a difference between the clocks when it comes, changes or goes."""
        offset = self._clock.offset
        if abs(offset - self._told) < _TOLERABLE:
            return
        self._told = offset
        if abs(offset) < _TOLERABLE:
            _log.info("the database's clock and this machine's agree again")
        else:
            _log.warning(
                "this machine's clock is %.1f s %s the database's; Varsel goes by the database's. "
                "Set the clocks of all machines by NTP",
                abs(offset).total_seconds(),
                "behind" if offset > timedelta(0) else "ahead of",
            )
