"""Keeping the house: deadlines are decided and old data is removed, by itself and in small steps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from varsel.model.clock import Clock
from varsel.storage import retention
from varsel.storage.pool import Pool
from varsel.workers.sweep import Sweep

_STEPS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class RetentionOptions:
    """How long things are kept; None keeps them for ever."""

    orders: timedelta | None
    feed: timedelta | None
    reports: timedelta | None
    sandbox: timedelta | None
    sandbox_messages: int


class Housekeeping:
    """One round: every overdue deadline, then whatever has been kept long enough."""

    def __init__(self, pool: Pool, clock: Clock, sweep: Sweep, options: RetentionOptions) -> None:
        self._pool = pool
        self._clock = clock
        self._sweep = sweep
        self._options = options

    async def run_once(self) -> bool:
        """Do one round; False, because the next one may wait for its interval."""
        while await self._sweep.run_once():
            continue
        options = self._options
        await self._forget(options.orders, lambda before: retention.remove_orders(self._pool, ended_before=before))
        await self._forget(options.feed, lambda before: retention.remove_feed_entries(self._pool, ended_before=before))
        await self._forget(options.reports, lambda before: retention.remove_reports(self._pool, received_before=before))
        await self._forget(
            options.sandbox, lambda before: retention.remove_sandbox_messages(self._pool, kept_before=before)
        )
        await retention.trim_sandbox_messages(self._pool, keep_newest=options.sandbox_messages)
        return False

    async def _forget(self, kept: timedelta | None, remove: Callable[[datetime], Awaitable[int]]) -> None:
        """Remove set after set; after many sets the rest waits for the next round, for deadlines come first."""
        if kept is None:
            return
        before = self._clock.now() - kept
        for _ in range(_STEPS_AT_ONCE):
            if not await remove(before):
                return
