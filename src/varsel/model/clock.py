"""Time as a value. Rooms are handed a clock; only `SystemClock` looks at the wall."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


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
