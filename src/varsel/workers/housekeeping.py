"""Keeping the house: deadlines are decided and old data is removed, by itself and in small steps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from varsel.model.clock import Clock
from varsel.storage import retention
from varsel.storage.pool import Pool
from varsel.workers.sweep import Sweep

_STEPS_AT_ONCE = 100
_EXPIRED_SETS_ON_REQUEST = 10
"""Some hundred thousand messages: what a caller can be let wait for."""
_FEED_SETS_ON_REQUEST = 2
"""Of 5,000 entries each: together the 10,000 that the contract names (api.md 3.17)."""


@dataclass(frozen=True, slots=True)
class RetentionOptions:
    """How long things are kept; None keeps them for ever."""

    orders: timedelta | None
    log: timedelta | None
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
        await self._forget(timedelta(0), lambda before: retention.remove_answers(self._pool, until=before))
        options = self._options
        await self._forget(options.orders, lambda before: retention.remove_orders(self._pool, ended_before=before))
        await self._forget(options.log, lambda before: retention.remove_log(self._pool, ended_before=before))
        await self._forget_feed_entries(_STEPS_AT_ONCE)
        await self._forget(options.reports, lambda before: retention.remove_reports(self._pool, received_before=before))
        await self._forget(
            options.sandbox, lambda before: retention.remove_sandbox_messages(self._pool, kept_before=before)
        )
        await retention.trim_sandbox_messages(self._pool, keep_newest=options.sandbox_messages)
        return False

    async def settle_expired(self) -> None:
        """Decide overdue deadlines for somebody who waits for it; after some sets the rest is left to others."""
        for _ in range(_EXPIRED_SETS_ON_REQUEST):
            if not await self._sweep.run_once():
                return

    async def forget_feed_entries(self) -> None:
        """Remove entries of the feed that were kept long enough, 10,000 at most, for somebody who waits for it."""
        await self._forget_feed_entries(_FEED_SETS_ON_REQUEST)

    async def _forget_feed_entries(self, sets: int) -> None:
        await self._forget(
            self._options.feed, lambda before: retention.remove_feed_entries(self._pool, ended_before=before), sets
        )

    async def _forget(
        self, kept: timedelta | None, remove: Callable[[datetime], Awaitable[int]], sets: int = _STEPS_AT_ONCE
    ) -> None:
        """Remove set after set; after so many the rest waits for the next round, for deadlines come first."""
        if kept is None:
            return
        before = self._clock.now() - kept
        for _ in range(sets):
            if not await remove(before):
                return
