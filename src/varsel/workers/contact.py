"""For how long this process has reached the database: lapsed leases are left alone at first after an outage.

While the database is away no lease can be renewed and no answer be recorded. When it is back, the holders of leases
that lapsed meanwhile are alive and know what providers answered. So nobody takes those leases before their holders have
had time to record. A process that has just started may have come out of the same outage, so it waits as well.
"""

from datetime import datetime, timedelta

from varsel.model.clock import Clock

TIME_TO_RECORD = timedelta(seconds=15)
"""What a holder needs at most after an outage: its longest pause between attempts, and one time-out of connecting."""


class DatabaseContact:
    """Knows since when the database has been reached without a break; `longest_gap` between two looks is none."""

    def __init__(self, clock: Clock, *, longest_gap: timedelta, time_to_record: timedelta = TIME_TO_RECORD) -> None:
        self._clock = clock
        self._longest_gap = longest_gap
        self._time_to_record = time_to_record
        self._is_watched = False
        self._since: datetime | None = None
        self._last: datetime | None = None

    def begin(self) -> None:
        """Rely on `reached` being called from now on. Before, lapsed leases may be taken at once."""
        self._is_watched = True

    def reached(self) -> None:
        """Note that the database has just answered."""
        now = self._clock.now()
        if self._since is None or self._last is None or not self._is_recent(self._last, now):
            self._since = now
        self._last = now

    def lost(self) -> None:
        """Note that the database did not answer."""
        self._since = self._last = None

    def may_take_over(self) -> bool:
        """Tell whether the holders of lapsed leases have had time to record what they know."""
        if not self._is_watched:
            return True
        now = self._clock.now()
        if self._since is None or self._last is None or not self._is_recent(self._last, now):
            return False
        return now - self._since >= self._time_to_record

    def _is_recent(self, last: datetime, now: datetime) -> bool:
        return timedelta(0) <= now - last <= self._longest_gap
