"""The header field Retry-After (RFC 9110, section 10.2.3): a number of seconds or a date."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_LONGEST_NUMBER = 9
"""Digits that are read at most; a larger number means the same as the longest pause."""


def read_retry_after(value: str, *, now: datetime, longest: timedelta = timedelta(hours=1)) -> timedelta | None:
    """Return how long to wait from `now` (with a time zone), at most `longest`; None where `value` is neither form.

    A date in the past means no pause: zero.
    """
    text = value.strip(" \t")
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text)), longest) if len(text) <= _LONGEST_NUMBER else longest
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # the obsolete forms name no zone and mean GMT
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), longest)
