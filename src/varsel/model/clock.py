"""Time as a value. Rooms are handed a clock; only `SystemClock` and `SteadyClock` look at the machine's."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

_STEADY: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux counts sleep in the former

LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, 999_998, UTC)
"""The latest instant that can be stored: asyncpg writes the microsecond after it as infinity, and reads that back
without a time zone."""


class Clock(Protocol):
    """Tells the time, always in UTC."""

    def now(self) -> datetime:
        """Return the current instant with time zone UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


class SteadyClock:
    """A clock that begins at the machine's time and goes on evenly when somebody sets that."""

    def __init__(self) -> None:
        self._began = datetime.now(UTC).timestamp() - time.clock_gettime(_STEADY)

    def now(self) -> datetime:
        """Return the instant at which it began, and what has passed since."""
        return datetime.fromtimestamp(self._began + time.clock_gettime(_STEADY), UTC)  # asked many times a request


class CorrectedClock:
    """A clock that follows another one, which can only be asked now and then.

    Processes on several machines agree on the time by following the clock of their database.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset = timedelta(0)
        """How far the followed clock is ahead of ours, as far as that is known."""

    def now(self) -> datetime:
        """Return the time of the followed clock."""
        offset = self.offset
        return self._clock.now() + offset if offset else self._clock.now()

    def uncorrected(self) -> datetime:
        """Return the time of our own clock."""
        return self._clock.now()

    def follow(self, theirs: datetime, *, asked: datetime, answered: datetime) -> None:
        """Correct this clock: the followed one said `theirs` between two instants of our own.

        The true offset lies between the two bounds that follow from that. The known one is moved no further than into
        them, so a slow answer says little, and clocks that agree are left alone.
        """
        if asked <= answered:
            self.offset = min(max(self.offset, theirs - answered), theirs - asked)


class HandTurnedClock:
    """A clock that stands still until somebody turns it; for tests and rehearsals."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant the clock was last turned to."""
        return self._now

    def turn(self, by: timedelta) -> datetime:
        """Move the clock by `by` (also backwards) and return the new instant."""
        self._now += by
        return self._now

    def turn_to(self, instant: datetime) -> datetime:
        """Set the clock to `instant` and return it."""
        self._now = instant.astimezone(UTC)
        return self._now
