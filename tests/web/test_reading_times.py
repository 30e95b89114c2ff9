"""Date-times on the wire (api.md 1.5, checklist C8)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.intake.times import read_moment, write_microseconds, write_time


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-05-04T09:30:00Z", "2026-05-04T09:30:00Z"),
        ("2026-05-04T11:30:00+02:00", "2026-05-04T09:30:00Z"),
        ("2026-05-04T11:30+02", "2026-05-04T09:30:00Z"),
        ("2026-05-04T04:00:00-05:30", "2026-05-04T09:30:00Z"),
        ("2026-05-04T09:30Z", "2026-05-04T09:30:00Z"),
        ("2026-05-04T09:30:00.5Z", "2026-05-04T09:30:00.5Z"),
        ("2026-05-04T09:30:00.1234567Z", "2026-05-04T09:30:00.1234567Z"),
        ("2026-05-04T09:30:00.0000001Z", "2026-05-04T09:30:00.0000001Z"),
        ("2026-05-04T09:30:00.1234567999999999Z", "2026-05-04T09:30:00.1234567Z"),
        ("2026-05-04T09:30:00.1200000Z", "2026-05-04T09:30:00.12Z"),
        ("2026-05-04T23:30:00+14:00", "2026-05-04T09:30:00Z"),
    ],
)
def test_instants_are_read_and_written_in_utc(text: str, written: str) -> None:
    moment = read_moment(text)
    assert moment is not None
    assert moment.zoned
    assert moment.text == written


@pytest.mark.parametrize("text", ["2026-05-04", "2026-05-04T09:30", "2026-05-04T09:30:00.123"])
def test_times_without_a_zone_parse_but_say_so(text: str) -> None:
    moment = read_moment(text)
    assert moment is not None
    assert not moment.zoned


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-02-30T09:30:00Z",
        "2026-13-01",
        "0000-01-01",
        "2026-05-04t09:30:00Z",
        "2026-05-04T09:30:00z",
        "2026-05-04 09:30:00Z",
        "2026-05-04T09Z",
        "2026-05-04T24:00:00Z",
        "2026-05-04T09:60:00Z",
        "2026-05-04T09:30:60Z",
        "2026-05-04T09:30:00.Z",
        "2026-05-04T09:30:00.12345678901234567Z",
        "2026-05-04T09:30:00,5Z",
        "2026-05-04T09:30:00+2",
        "2026-05-04T09:30:00+0200",
        "2026-05-04T09:30:00+14:01",
        "2026-05-04T09:30:00+15",
        "2026-05-04Z",
        "20260504T093000Z",
        " 2026-05-04",
        "2026-05-04\n",
        "2026-W19-1",
        "٢٠٢٦-05-04",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_anything_else_is_no_date_time(text: str) -> None:
    assert read_moment(text) is None


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 9))
def test_what_is_written_reads_back(instant: datetime, tenth: int) -> None:
    moment = read_moment(write_time(instant, tenth))
    assert moment is not None
    assert (moment.utc, moment.tenth, moment.zoned) == (instant, tenth, True)


def test_an_instant_in_another_zone_is_written_in_utc() -> None:
    oslo_summer = timezone(timedelta(hours=2))
    assert write_time(datetime(2026, 5, 4, 11, 30, tzinfo=oslo_summer)) == "2026-05-04T09:30:00Z"


@given(st.text(max_size=40))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    moment = read_moment(text)
    assert moment is None or moment.utc.tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_written_as_the_instant_they_count_to(instant: datetime) -> None:
    counted = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert write_microseconds(counted) == write_time(instant)
