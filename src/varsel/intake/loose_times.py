"""Date-times in the many forms that .NET's `DateTimeOffset.Parse` reads (dashboard-and-metrics.md 1.2).

English names, month before day. What JSON bodies may hold is much narrower: `intake.times`.
"""

import calendar
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from varsel.intake.times import Moment
from varsel.mechanisms.white_space import trimmed

_WEEKDAYS: Final = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_MONTHS: Final = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_FURTHEST: Final = timedelta(hours=14)
"""The largest distance of a zone from UTC."""

_weekday = r"(?:(?P<weekday>[A-Z]{3,9}),?\s+)?"
_clock = (
    r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{1,2})(?::(?P<second>[0-9]{1,2})(?:[.,](?P<fraction>[0-9]{1,16}))?)?)?"
    r"(?:\s*(?P<half>[AP])M)?"
)
_offset = r"Z|[+-][0-9]{2}(?::?[0-9]{2})?"
_year_first = r"(?P<year>[0-9]{4})(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
_year_last = r"(?P<month>[0-9]{1,2})(?P<mark>[-/.])(?P<day>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4})"
_month_day = r"(?P<name>[A-Z]{3,9})\s+(?P<day>[0-9]{1,2}),?\s+(?P<year>[0-9]{4})"
_day_month = r"(?P<day>[0-9]{1,2})[\s-](?P<name>[A-Z]{3,9}),?[\s-](?P<year>[0-9]{4})"


def _form(date: str, *, separator: str = r"\s+", zones: str = _offset) -> re.Pattern[str]:
    return re.compile(rf"{_weekday}{date}(?:{separator}{_clock})?\s*(?P<zone>{zones})?", re.ASCII | re.IGNORECASE)


_FORMS: Final = (
    _form(_year_first, separator=r"(?:T|\s+)"),
    _form(_year_last),
    _form(_month_day, zones=_offset + "|GMT"),
    _form(_day_month, zones=_offset + "|GMT"),
    re.compile(rf"{_clock}\s*(?P<zone>{_offset})?", re.ASCII | re.IGNORECASE),
)


def read_loose_moment(text: str, now: datetime) -> Moment | None:
    """Read a date-time, a date, or a time of the day of `now` (with a time zone); None if `text` is none of them.

    Without a zone the figures are kept as written, as `Moment` says. Digits beyond 100 ns are cut off.
    """
    candidate = trimmed(text)
    for form in _FORMS:
        if match := form.fullmatch(candidate):
            try:
                return _moment(match.groupdict(), now.astimezone(UTC))
            except (ValueError, OverflowError):  # no such day, hour, month or zone
                return None
    return None


def _moment(found: dict[str, str | None], now: datetime) -> Moment:
    """Return what a match means. Raises `ValueError` and `OverflowError` where there is no such moment."""
    zone = found["zone"]
    fraction = (found["fraction"] or "").ljust(7, "0")[:7]
    year, month, day = _date(found, now)
    written = datetime(
        year,
        month,
        day,
        _hour(found),
        int(found["minute"] or 0),
        int(found["second"] or 0),
        int(fraction[:6]),
        tzinfo=_zone(zone),
    )
    weekday = found.get("weekday")
    if weekday and _number(_WEEKDAYS, weekday) != written.weekday():
        raise ValueError("the day has another name")
    return Moment(written.astimezone(UTC), int(fraction[6]), zone is not None)


def _date(found: dict[str, str | None], now: datetime) -> tuple[int, int, int]:
    year, day = found.get("year"), found.get("day")
    if year is None or day is None:
        return now.year, now.month, now.day
    name = found.get("name")
    return int(year), _number(_MONTHS, name) if name else int(found["month"] or 0), int(day)


def _hour(found: dict[str, str | None]) -> int:
    """Return the hour of the day; one without minutes is none unless it names its half of the day."""
    hour, half = int(found["hour"] or 0), found["half"]
    if half is None:
        if found["hour"] is not None and found["minute"] is None:
            raise ValueError("a time has minutes")
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("a half of a day has 12 hours")
    return hour % 12 + (12 if half.upper() == "P" else 0)


def _zone(written: str | None) -> timezone:
    if written is None or written.upper() in ("Z", "GMT"):
        return UTC
    minutes = int(written[3:].removeprefix(":") or 0)
    distance = timedelta(hours=int(written[1:3]), minutes=minutes)
    if distance > _FURTHEST or minutes > 59:
        raise ValueError("there is no such zone")
    return timezone(-distance if written[0] == "-" else distance)


def _number(names: dict[str, int], written: str) -> int:
    """Return the number of a weekday or month by its whole name, or the first three letters of it."""
    for name, number in names.items():
        if written.lower() in (name, name[:3]):
            return number
    raise ValueError("no such name")
