"""Leases kept while the work under them goes on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

_log = logging.getLogger(__name__)


@asynccontextmanager
async def kept_alive(renew: Callable[[], Awaitable[None]], *, every: timedelta) -> AsyncIterator[None]:
    """Call `renew` at intervals while the block runs; a renewal that fails is tried at the next interval."""
    task = asyncio.create_task(_renewing(renew, every.total_seconds()))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _renewing(renew: Callable[[], Awaitable[None]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await renew()
        except Exception:  # noqa: BLE001 - renewing must outlive any passing failure; the lease bounds it
            _log.exception("a lease could not be renewed; it is tried again before it runs out")
