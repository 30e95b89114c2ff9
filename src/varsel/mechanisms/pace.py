"""Pace: slots in time at a given rate (GCRA, ITU-T I.371), and a rate learned from what a server refuses (AIMD)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_IMPLAUSIBLE: Final = timedelta(minutes=1)
"""A next free slot further ahead than this was written by a clock that was wrong; it counts as free now."""


@dataclass(frozen=True, slots=True)
class Slots:
    """`count` slots from `first` on, `rate` of them in a second. A slot in the past means: at once."""

    first: datetime
    count: int
    rate: float

    def at(self, number: int) -> datetime:
        """Return the time of slot `number`, from 0."""
        return self.first + timedelta(seconds=number / self.rate)

    @property
    def next_free(self) -> datetime:
        """The time of the slot after the last one."""
        return self.at(self.count)


def reserve(
    next_free: datetime, *, now: datetime, wanted: int, rate: float, ahead: timedelta, slack: timedelta
) -> Slots:
    """Return up to `wanted` slots at `rate` per second, from `next_free` on. Store the new value before using them.

    No slot lies further than `ahead` from `now`, so there may be none. Slots that nobody used are lost, except those
    of the last `slack`: so a short delay of the caller costs no throughput, and a long one allows no burst.
    """
    if next_free > now + _IMPLAUSIBLE:
        next_free = now
    first = max(next_free, now - slack)
    room = (now + ahead - first).total_seconds()
    return Slots(first, min(wanted, int(room * rate) + 1) if room >= 0 else 0, rate)


_SECOND: Final = timedelta(seconds=1)
_FIRST_SHARE: Final = 0.2
"""Share of refusals from which on an unlimited rate becomes a limited one; a few always have reasons of their own."""
_FIRST_COUNT: Final = 3
_SHARE: Final = 0.05
"""The same while the rate is limited already, and so expected to be right."""
_MARGIN: Final = 0.9
"""A lowered rate, as a share of what was taken, or of the rate before."""
_HOLD: Final = timedelta(seconds=5)
_GROWTH: Final = 1.02
"""Factor per second by which a limited rate grows when nothing was refused for `_HOLD`."""
_LOWEST_FIRST: Final = 1.0
"""The first limit at least: that nothing was taken in one second says little."""
_LOWEST: Final = 0.2
_UNLIMITED: Final = 1000.0
_FORGOTTEN: Final = 500.0
"""Seconds of growth after which even the lowest rate has passed the last one: 0.2 * 1.02 ** 500 is about 4,000."""


class LearnedRate:
    """A rate in things per second that begins unlimited, falls when too much is refused, and grows again slowly.

    The first limit is what was taken in the last second: a server that takes 14 a second has then taken 14. Every
    further refusal lowers it by a tenth, once a second at most.
    """

    def __init__(self) -> None:
        self._limit: float | None = None
        self._since: datetime | None = None
        """When the limit was last lowered."""
        self._counted = _Counts()

    def rate(self, now: datetime) -> float | None:
        """Return the rate to keep to, None for no limit."""
        if self._limit is None or self._since is None:
            return None
        growing = (now - self._since - _HOLD).total_seconds()
        rate: float = self._limit * _GROWTH ** min(max(growing, 0.0), _FORGOTTEN)
        if rate < _UNLIMITED:
            return rate
        self._limit = self._since = None
        return None

    def taken(self, now: datetime, count: int = 1) -> None:
        """Count `count` that were taken."""
        self._counted.add(now, taken=count)

    def refused(self, now: datetime) -> bool:
        """Count one that was refused for its rate; return whether the rate was lowered."""
        self._counted.add(now, refused=1)
        taken, refused = self._counted.last_second(now)
        limit = self.rate(now)
        if self._since is not None and now - self._since < _SECOND:
            return False
        enough = _SHARE if limit is not None else _FIRST_SHARE
        if refused < enough * (taken + refused) or (limit is None and refused < _FIRST_COUNT):
            return False
        self._limit = max(_MARGIN * taken, _LOWEST_FIRST) if limit is None else max(_MARGIN * limit, _LOWEST)
        self._since = now
        return True


class _Counts:
    """What was taken and refused in the last second, to within a second's drift: two buckets, the older one in part."""

    def __init__(self) -> None:
        self._begun: datetime | None = None
        self._now = (0, 0)
        self._before = (0, 0)

    def add(self, now: datetime, *, taken: int = 0, refused: int = 0) -> None:
        self._turn(now)
        self._now = (self._now[0] + taken, self._now[1] + refused)

    def last_second(self, now: datetime) -> tuple[float, float]:
        """Return how many were taken and refused, the older bucket counted by the part of it within the second."""
        begun = self._turn(now)
        part = 1 - (now - begun) / _SECOND
        return self._now[0] + part * self._before[0], self._now[1] + part * self._before[1]

    def _turn(self, now: datetime) -> datetime:
        begun = self._begun
        if begun is not None and begun <= now < begun + _SECOND:
            return begun
        follows = begun is not None and begun + _SECOND <= now < begun + 2 * _SECOND
        self._before, self._now = (self._now if follows else (0, 0)), (0, 0)
        self._begun = begun + _SECOND if follows and begun is not None else now
        return self._begun
