"""Retry-After in both forms of RFC 9110, section 10.2.3."""

from datetime import UTC, datetime, timedelta

import pytest

from varsel.mechanisms.retry_after import read_retry_after

NOW = datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 5 ", 5),
        ("0", 0),
        ("7200", 3600),
        ("9" * 5000, 3600),
        ("Mon, 05 Jan 2026 12:01:30 GMT", 90),
        ("Monday, 05-Jan-26 12:01:30 GMT", 90),
        ("Mon Jan  5 12:01:30 2026", 90),
        ("Mon, 05 Jan 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
    ],
)
def test_seconds_and_dates_are_read(value: str, seconds: int) -> None:
    assert read_retry_after(value, now=NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", ["", "soon", "-1", "1.5", "٣", "Mon, 99 Jan 2026 12:00:00 GMT", "2026-01-05T12:01:30Z"]
)
def test_anything_else_is_no_wish(value: str) -> None:
    assert read_retry_after(value, now=NOW) is None
