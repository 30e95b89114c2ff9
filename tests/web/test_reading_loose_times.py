"""Date-times as callers of .NET services write them: every row of dashboard-and-metrics.md 1.2."""

from datetime import UTC, datetime

import pytest

from varsel.intake.loose_times import read_loose_moment
from varsel.intake.times import read_moment

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
NOON = "2026-11-30T10:00:00Z"

READ = [
    ("2026-11-30T10:00:00Z", NOON),
    ("2026-11-30T10:00Z", NOON),
    ("2026-11-30t10:00:00z", NOON),
    ("2026-11-30 10:00:00Z", NOON),
    ("2026-11-30T10:00:00 Z", NOON),
    ("  2026-11-30T10:00Z\t", NOON),
    ("2026-11-30T10:00:00.5Z", "2026-11-30T10:00:00.5Z"),
    ("2026-11-30T10:00:00,123456789Z", "2026-11-30T10:00:00.1234567Z"),
    ("2026-11-30T11:00+01:00", NOON),
    ("2026-11-30T11:00+0100", NOON),
    ("2026-11-30T11:00+01", NOON),
    ("2026-11-30T10:00-00:00", NOON),
    ("2026-11-30Z", "2026-11-30T00:00:00Z"),
    ("2026-11-30+01:00", "2026-11-29T23:00:00Z"),
    ("2026/11/30 10:00:00Z", NOON),
    ("2026.11.30 10:00Z", NOON),
    ("11/30/2026 10:00:00Z", NOON),
    ("Nov 30 2026 10:00Z", NOON),
    ("November 30, 2026 10:00Z", NOON),
    ("30 Nov 2026 10:00Z", NOON),
    ("Mon, 30 Nov 2026 10:00:00 GMT", NOON),
    ("Monday, 30 November 2026 10:00:00 GMT", NOON),
    ("2026-11-30 10:00 PM +00:00", "2026-11-30T22:00:00Z"),
    ("2026-11-30 12:00 AM +00:00", "2026-11-30T00:00:00Z"),
    ("00:10Z", "2026-05-04T00:10:00Z"),
]
WITHOUT_ZONE = [
    ("2026-11-30", "2026-11-30T00:00:00Z"),
    ("2026-11-30T10:00:00", NOON),
    ("11/30/2026", "2026-11-30T00:00:00Z"),
    ("0001-01-01", "0001-01-01T00:00:00Z"),
]
UNREADABLE = [
    "",
    " ",
    "2026-11-30T10:00:00 01:00",
    "yesterday",
    "now",
    "null",
    "1796032800",
    "20261130",
    "20261130T100000Z",
    "2026-11-30T10Z",
    "2026-W48-1",
    "30/11/2026 10:00Z",
    "2026-11-31",
    "2026-13-01",
    "2026-11-30T24:00Z",
    "2026-11-30T10:00:60Z",
    "Tue, 30 Nov 2026 10:00:00 GMT",
    "2026-11-30T10:00:00 GMT",
    "2026-11-30T10:00:00 CET",
    "2026-11-30 13:00 PM Z",
    "2026-11-30T10:00+15:00",
    "2026-11-30T10:00+01:60",
    "Foo 30 2026",
    "0001-01-01T00:00+01:00",
    "٢026-11-30",
]


@pytest.mark.parametrize(("text", "instant"), READ)
def test_forms_with_a_zone(text: str, instant: str) -> None:
    moment = read_loose_moment(text, NOW)
    assert moment is not None
    assert (moment.text, moment.zoned) == (instant, True)


@pytest.mark.parametrize(("text", "figures"), WITHOUT_ZONE)
def test_forms_without_a_zone(text: str, figures: str) -> None:
    moment = read_loose_moment(text, NOW)
    assert moment is not None
    assert (moment.text, moment.zoned) == (figures, False)


@pytest.mark.parametrize("text", UNREADABLE)
def test_unreadable(text: str) -> None:
    assert read_loose_moment(text, NOW) is None


@pytest.mark.parametrize("text", ["2026-05-04T12:14:59.9999999Z", "2026-05-04T12:00+02", "2026-05-04", "2026-02-30"])
def test_what_a_body_may_hold_is_read_alike(text: str) -> None:
    assert read_loose_moment(text, NOW) == read_moment(text)
