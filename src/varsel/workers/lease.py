"""Leases kept while the work under them goes on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

_log = logging.getLogger(__name__)

_PAUSE_AFTER_FAILURE = 1.0
"""Seconds. After an outage of the database, renewing soon keeps the work from being taken over."""


@asynccontextmanager
async def kept_alive(renew: Callable[[], Awaitable[None]], *, every: timedelta) -> AsyncIterator[None]:
    """Call `renew` at intervals while the block runs; one that fails is tried again after a second at the latest."""
    task = asyncio.create_task(_renewing(renew, every.total_seconds()))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _renewing(renew: Callable[[], Awaitable[None]], seconds: float) -> None:
    pause = seconds
    while True:
        await asyncio.sleep(pause)
        try:
            await renew()
            pause = seconds
        except Exception as error:  # noqa: BLE001 - renewing must outlive any passing failure; the lease bounds it
            pause = min(seconds, _PAUSE_AFTER_FAILURE)
            _log.warning("a lease could not be renewed (%s); this is tried again", type(error).__name__)
