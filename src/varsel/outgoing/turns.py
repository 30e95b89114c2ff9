"""Who may ask now: so many at once in all, so many of them the same host, and none of all creators takes them all."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from varsel.mechanisms.shared_places import SharedPlaces

_MOST_IN_A_LANE = 3
"""Who has a turn and who waits for one, in turns of the host."""


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """Calls at once in all and for one host, and how long a call waits for its turn.

    Twice as many as have a turn may wait for a host; in `patience` that many calls of 10 s each come to an end.
    """

    total: int = 64
    per_host: int = 8
    patience: timedelta = timedelta(seconds=30)


@dataclass(slots=True)
class _Lane:
    free: asyncio.Semaphore
    members: int = 0


class Turns:
    """Hands out turns. Those who wait for a busy host keep nobody from asking another one."""

    def __init__(self, limits: TurnLimits = TurnLimits()) -> None:
        self._limits = limits
        self._common = SharedPlaces(limits.total)
        self._lanes: dict[str, _Lane] = {}

    async def take(self, host: str, creator: str | None = None) -> bool:
        """Wait for a turn; False if too many wait for the host already, or none came in time.

        The common turns are shared among creators; None is nobody in particular and has no share that limits it. After
        True `give_back` must follow.
        """
        lane = self._lanes.setdefault(host, _Lane(asyncio.Semaphore(self._limits.per_host)))
        if lane.members >= _MOST_IN_A_LANE * self._limits.per_host:
            return False
        lane.members += 1
        taken = False
        try:
            async with asyncio.timeout(self._limits.patience.total_seconds()):
                taken = await self._both(lane, creator)
        except TimeoutError:
            pass
        finally:
            if not taken:
                self._leave(host, lane)
        return taken

    def give_back(self, host: str, creator: str | None = None) -> None:
        """End a turn."""
        lane = self._lanes[host]
        self._common.give_back(creator)
        lane.free.release()
        self._leave(host, lane)

    def hosts(self) -> set[str]:
        """Return the hosts that are being asked or waited for."""
        return set(self._lanes)

    async def _both(self, lane: _Lane, creator: str | None) -> bool:
        """Take the host's turn first: whoever waits for it holds none of the common ones."""
        await lane.free.acquire()
        try:
            await self._common.take(creator)
        except asyncio.CancelledError:
            lane.free.release()
            raise
        return True

    def _leave(self, host: str, lane: _Lane) -> None:
        lane.members -= 1
        if lane.members == 0:
            del self._lanes[host]
