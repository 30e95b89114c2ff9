"""Date-times as they are read and written on the wire (api.md 1.5)."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType

import msgspec

InstantText = NewType("InstantText", str)
"""An instant in wire form: UTC with `Z`, fraction only if non-zero, at most 7 digits."""

# Offsets reach as far as the widest time zone, 14 hours.
_form = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.([0-9]{1,16}))?)?"
    r"(Z|[+-](?:0[0-9]|1[0-3])(?::[0-5][0-9])?|[+-]14(?::00)?)?)?"
)


class Moment(msgspec.Struct, frozen=True):
    """A date-time as a caller gave it, to 100 ns.

    `utc` holds it to the microsecond, `tenth` (0 to 9) the tenths of a microsecond beyond. Without a zone (`zoned`
    false) it designates no instant; `utc` then has the figures as written.
    """

    utc: datetime
    tenth: int
    zoned: bool

    @property
    def text(self) -> InstantText:
        """The moment in wire form, with all its digits."""
        return write_time(self.utc, self.tenth)


def read_moment(text: str) -> Moment | None:
    """Read an ISO 8601 extended date or date-time, truncated to 100 ns; None if `text` is none."""
    match = _form.fullmatch(text)
    if match is None:
        return None
    fraction, zone = match.groups()
    tenth = int(fraction[6]) if fraction and len(fraction) > 6 else 0
    try:
        written = datetime.fromisoformat(text)
        return Moment(written.astimezone(UTC) if zone else written.replace(tzinfo=UTC), tenth, zone is not None)
    except (ValueError, OverflowError):  # no such day, or its instant lies outside the years 1 to 9999
        return None


def write_time(instant: datetime, tenth: int = 0) -> InstantText:
    """Write `instant` (with a time zone), and `tenth` tenths of a microsecond beyond it, in wire form."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    text: str = msgspec.to_builtins(instant)  # an eighth of what isoformat takes, but with all zeros of a fraction
    if tenth:
        return InstantText(f"{text[:19]}.{instant.microsecond:06d}{tenth}Z")
    if instant.microsecond and not instant.microsecond % 10:
        return InstantText(text[:-1].rstrip("0") + "Z")
    return InstantText(text)


def write_microseconds(since_1970: int) -> InstantText:
    """Write the instant so many microseconds after 1970 began, as `write_time` does; many of one minute share work."""
    seconds, fraction = divmod(since_1970, 1_000_000)
    minute, second = divmod(seconds, 60)
    text = f"{_minute(minute)}{second:02d}"
    return InstantText(f"{text}.{fraction:06d}".rstrip("0") + "Z" if fraction else text + "Z")


@lru_cache(maxsize=4096)
def _minute(since_1970: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=since_1970)).isoformat()[:17]
