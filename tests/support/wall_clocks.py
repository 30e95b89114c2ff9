"""Wall clocks by the rules of their laws, written without any time zone library: an oracle for what uses one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_SUNDAY = 6
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class WallClock:
    """Clocks that go `standard` ahead of UTC, and `summer` from `begins` to `ends` of each year."""

    zone: str
    standard: timedelta
    summer: timedelta
    begins: Callable[[int], datetime]
    ends: Callable[[int], datetime]

    def changes(self, year: int) -> tuple[datetime, datetime]:
        """Return the two instants of a year at which the clocks change."""
        return self.begins(year), self.ends(year)

    def ahead(self, instant: datetime) -> timedelta:
        """Return how far the clocks are ahead of UTC."""
        begins, ends = self.changes(instant.year)
        is_summer = begins <= instant < ends if begins < ends else not ends <= instant < begins
        return self.summer if is_summer else self.standard

    def shows(self, instant: datetime) -> datetime:
        """Return what the clocks show, without a zone."""
        return instant.replace(tzinfo=None) + self.ahead(instant)

    def instant(self, shown: datetime) -> datetime:
        """Return when the clocks show this: the first time of two, and as if they had not gone ahead where never."""
        candidates = [(shown - ahead).replace(tzinfo=UTC) for ahead in (self.summer, self.standard)]
        fitting = [each for each in candidates if self.shows(each) == shown]
        return min(fitting, default=(shown - self.standard).replace(tzinfo=UTC))


def _sunday(year: int, month: int, day: int) -> datetime:
    """Return midnight (UTC) of the first Sunday from this date on."""
    from_day = datetime(year, month, day, tzinfo=UTC)
    return from_day + timedelta(days=(_SUNDAY - from_day.weekday()) % 7)


OSLO = WallClock(  # directive 2000/84/EC: the last Sundays of March and October, 01:00 UTC
    "Europe/Oslo",
    _HOUR,
    2 * _HOUR,
    lambda year: _sunday(year, 3, 25) + _HOUR,
    lambda year: _sunday(year, 10, 25) + _HOUR,
)
ST_JOHNS = WallClock(  # second Sunday of March, first Sunday of November, 02:00 on the clock
    "America/St_Johns",
    -3.5 * _HOUR,
    -2.5 * _HOUR,
    lambda year: _sunday(year, 3, 8) + 5.5 * _HOUR,
    lambda year: _sunday(year, 11, 1) + 4.5 * _HOUR,
)
LORD_HOWE = WallClock(  # first Sundays of October and April, 02:00 on the clock, by half an hour
    "Australia/Lord_Howe",
    10.5 * _HOUR,
    11 * _HOUR,
    lambda year: _sunday(year, 10, 1) + 2 * _HOUR - 10.5 * _HOUR,
    lambda year: _sunday(year, 4, 1) + 2 * _HOUR - 11 * _HOUR,
)
GREENWICH = WallClock(
    "UTC", 0 * _HOUR, 0 * _HOUR, lambda year: _sunday(year, 3, 25), lambda year: _sunday(year, 10, 25)
)

WALL_CLOCKS = (OSLO, ST_JOHNS, LORD_HOWE, GREENWICH)
