"""How a worker's steps are repeated: at once while there is work, else when woken, else after a short pause."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from varsel.schedule import doubling_pause
from varsel.storage.outages import is_outage

_log = logging.getLogger(__name__)

RunOnce = Callable[[], Awaitable[bool]]
"""One look for work; True when there may be more."""

_RETRY = timedelta(milliseconds=200)
_LONGEST_PAUSE = timedelta(seconds=30)
_LONGEST_OUTAGE_PAUSE = timedelta(seconds=5)
"""Work goes on soon after the database is back."""


class Hint:
    """A nudge within the process: 'there may be work'. Any number of nudges before a look are one."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def is_given(self) -> bool:
        """Whether somebody has nudged since the last look."""
        return self._event.is_set()

    def give(self) -> None:
        """Let the waiting worker look at once."""
        self._event.set()

    async def wait(self, at_most: timedelta) -> None:
        """Return when nudged, or after `at_most`; other processes' work is only found by looking."""
        try:
            async with asyncio.timeout(at_most.total_seconds()):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()


async def repeat(
    name: str, run_once: RunOnce, hint: Hint, idle: timedelta, stopping: asyncio.Event, *, retry: timedelta = _RETRY
) -> None:
    """Run a step until `stopping` is set; when there is nothing to do, again after `idle` or when nudged.

    A failing step is tried again after `retry`, which doubles each time; sooner when it is the database that is away.
    """
    failures = 0
    while not stopping.is_set():
        try:
            more = await run_once()
            failures = 0
        except Exception as error:  # noqa: BLE001 - a worker outlives whatever one look for work ran into
            failures += 1
            longest = _tell(name, error)
            await _pause(doubling_pause(failures, retry, longest, random.random()), stopping)  # noqa: S311 - jitter
            continue
        if not more and not stopping.is_set():
            await hint.wait(idle)


def _tell(name: str, error: Exception) -> timedelta:
    """Log why a step failed, and return the longest pause before it is tried again."""
    if is_outage(error):
        _log.warning("%s waits for the database (%s)", name, type(error).__name__)
        return _LONGEST_OUTAGE_PAUSE
    _log.error("%s failed; trying again", name, exc_info=error)
    return _LONGEST_PAUSE


async def _pause(length: timedelta, stopping: asyncio.Event) -> None:
    """Return after `length`, or when it is time to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(length.total_seconds()):
            await stopping.wait()
