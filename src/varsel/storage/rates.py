"""The rate of a provider, shared by all processes: each takes slots of it, one window at a time."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from varsel.mechanisms.pace import Slots, reserve
from varsel.model.clock import Clock
from varsel.storage import queries
from varsel.storage.pool import Pool

_SQL = queries.load("rates")
_TRIES: Final = 20
"""Attempts to take slots while other processes take them first; each failure means that one of them got some."""


class ProviderRate:
    """Gives out slots of `rate` messages per second of one provider.

    The next free slot is known from the time before, so one process alone needs one statement for each window.
    """

    def __init__(
        self, pool: Pool, clock: Clock, *, provider: str, rate: float, ahead: timedelta, slack: timedelta
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._provider = provider
        self._rate = rate
        self._ahead = ahead
        self._slack = slack
        self._known: datetime | None = None
        self._turn = asyncio.Lock()

    async def reserve(self, wanted: int) -> Slots:
        """Take up to `wanted` slots that no other process has; none if all within reach are taken."""
        async with self._turn:
            next_free = self._known or await self._read()
            for _ in range(_TRIES):
                slots = self._of(next_free, wanted)
                if not slots.count or await self._move_on(next_free, slots.next_free):
                    self._known = slots.next_free
                    return slots
                next_free = await self._read()
            return self._of(next_free, 0)

    def _of(self, next_free: datetime, wanted: int) -> Slots:
        now = self._clock.now()
        return reserve(next_free, now=now, wanted=wanted, rate=self._rate, ahead=self._ahead, slack=self._slack)

    async def _read(self) -> datetime:
        asked = _SQL["next_free"].of(provider=self._provider)
        while (stored := await self._pool.fetchval(*asked)) is None:
            await self._pool.execute(*_SQL["begin"].of(provider=self._provider, now=self._clock.now()))
        next_free: datetime = stored
        return next_free

    async def _move_on(self, known: datetime, to: datetime) -> bool:
        move = _SQL["move_on"].of(provider=self._provider, known=known, next_free=to)
        done: str = await self._pool.execute(*move)
        return done == "UPDATE 1"
