"""The daytime window, expiry and pauses, over all instants of a year with both changes of clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from varsel.model.orders import SendingTimePolicy
from varsel.model.results import Channel
from varsel.schedule import (
    LIFETIME,
    DaytimeWindow,
    doubling_pause,
    earliest_send,
    expiry,
    instant_expiry,
    reminder_time,
    stepped_pause,
)

OSLO = ZoneInfo("Europe/Oslo")
WINDOW = DaytimeWindow(OSLO)
TICK = timedelta.resolution
HOUR = timedelta(hours=1)

instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds must be naive
windows = st.builds(
    lambda zone, hours: DaytimeWindow(ZoneInfo(zone), *sorted(hours)),
    st.sampled_from(["Europe/Oslo", "America/St_Johns", "Australia/Lord_Howe", "UTC"]),
    st.sets(st.integers(0, 24), min_size=2, max_size=2),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        ("2026-07-01T09:00:00+02:00", False),
        ("2026-07-01T09:00:00.000001+02:00", True),
        ("2026-07-01T16:59:59.999999+02:00", True),
        ("2026-07-01T17:00:00+02:00", False),
        ("2026-01-01T12:00:00+01:00", True),  # a holiday
        ("2026-07-05T12:00:00+02:00", True),  # a Sunday
        ("2026-07-01T07:30:00Z", True),  # summer time
        ("2026-01-02T07:30:00Z", False),
    ],
)
def test_the_bounds_lie_outside_the_window(instant: str, is_open: bool) -> None:
    assert WINDOW.is_open(utc(instant)) is is_open


@pytest.mark.parametrize(
    ("instant", "opening"),
    [
        ("2026-07-01T08:00:00+02:00", "2026-07-01T09:00:00.000001+02:00"),
        ("2026-07-01T09:00:00+02:00", "2026-07-01T09:00:00.000001+02:00"),
        ("2026-07-01T12:00:00+02:00", "2026-07-01T12:00:00+02:00"),
        ("2026-07-01T17:00:00+02:00", "2026-07-02T09:00:00.000001+02:00"),
        ("2026-03-28T20:00:00+01:00", "2026-03-29T09:00:00.000001+02:00"),
        ("2026-10-24T20:00:00+02:00", "2026-10-25T09:00:00.000001+01:00"),
    ],
)
def test_next_opening(instant: str, opening: str) -> None:
    assert WINDOW.next_opening(utc(instant)) == utc(opening)


@given(windows, instants)
@example(DaytimeWindow(OSLO, 2, 3), utc("2026-03-29T00:30:00Z"))  # the hour that is left out
@example(DaytimeWindow(OSLO, 2, 3), utc("2026-10-25T01:00:00Z"))  # the hour that is repeated
def test_the_next_opening_is_open_and_nothing_before_it_is(window: DaytimeWindow, instant: datetime) -> None:
    opening = window.next_opening(instant)
    assert opening >= instant
    assert window.is_open(opening)
    if opening > instant:
        quarters = int((opening - TICK - instant) / (HOUR / 4))
        assert not any(window.is_open(instant + n * HOUR / 4) for n in range(quarters + 1))
        assert opening - 2 * TICK < instant or not window.is_open(opening - 2 * TICK)


@pytest.mark.parametrize("hours", [(9, 9), (17, 9), (-1, 9), (9, 25)])
def test_a_window_must_open_before_it_closes(hours: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must open before it closes"):
        DaytimeWindow(OSLO, *hours)


def test_a_window_may_last_until_midnight() -> None:
    window = DaytimeWindow(OSLO, 9, 24)
    assert window.is_open(utc("2026-07-01T23:59:59.999999+02:00"))
    assert not window.is_open(utc("2026-07-02T00:00:00+02:00"))


@pytest.mark.parametrize(
    ("channel", "policy", "waits"),
    [
        (Channel.Email, SendingTimePolicy.Anytime, False),
        (Channel.Email, None, False),
        (Channel.Sms, SendingTimePolicy.Anytime, False),
        (Channel.Sms, SendingTimePolicy.Daytime, True),
        (Channel.Sms, None, True),
    ],
)
def test_what_waits_for_the_morning(channel: Channel, policy: SendingTimePolicy | None, waits: bool) -> None:
    night, morning = utc("2026-07-01T03:00:00+02:00"), utc("2026-07-01T09:00:00.000001+02:00")
    assert earliest_send(channel, policy, night, WINDOW) == (morning if waits else night)


@pytest.mark.parametrize(
    ("requested", "expires"),
    [
        # the examples of processing.md 4.4, in summer time
        ("2026-06-25T10:00:00Z", "2026-06-27T10:00:00Z"),
        ("2026-06-25T05:00:00Z", "2026-06-27T07:00:00Z"),
        ("2026-06-25T20:00:00Z", "2026-06-28T07:00:00Z"),
        # exact bounds count as after closing
        ("2026-06-25T09:00:00+02:00", "2026-06-28T09:00:00+02:00"),
        ("2026-06-25T09:00:00.000001+02:00", "2026-06-27T09:00:00.000001+02:00"),
        ("2026-06-25T08:59:59.999999+02:00", "2026-06-27T09:00:00+02:00"),
        ("2026-06-25T16:59:59.999999+02:00", "2026-06-27T16:59:59.999999+02:00"),
        ("2026-06-25T17:00:00+02:00", "2026-06-28T09:00:00+02:00"),
        # the clocks change in between: 48 hours from inside the window, the same hour from outside
        ("2026-03-28T12:00:00+01:00", "2026-03-30T13:00:00+02:00"),
        ("2026-03-28T07:00:00+01:00", "2026-03-30T09:00:00+02:00"),
        ("2026-10-24T22:00:00+02:00", "2026-10-27T09:00:00+01:00"),
        # midnight in UTC is another date than in Oslo
        ("2026-06-25T23:30:00Z", "2026-06-28T07:00:00Z"),
    ],
)
def test_a_daytime_sms_is_compensated_for_the_night(requested: str, expires: str) -> None:
    assert expiry(Channel.Sms, SendingTimePolicy.Daytime, utc(requested), WINDOW) == utc(expires)


@given(instants)
def test_a_daytime_sms_from_outside_the_window_expires_at_the_opening_hour(requested: datetime) -> None:
    expires = expiry(Channel.Sms, SendingTimePolicy.Daytime, requested, WINDOW)
    if WINDOW.is_open(requested):
        assert expires - requested == LIFETIME
    else:
        local = expires.astimezone(OSLO)
        days = local.date() - requested.astimezone(OSLO).date()
        assert local.time() == time(9)
        assert days == timedelta(days=2 if requested.astimezone(OSLO).time() < time(9) else 3)
        assert expires - WINDOW.next_opening(requested) <= LIFETIME + 25 * HOUR


@given(
    instants, st.sampled_from([(Channel.Email, None), (Channel.Sms, None), (Channel.Sms, SendingTimePolicy.Anytime)])
)
def test_everything_else_lives_48_hours(requested: datetime, case: tuple[Channel, SendingTimePolicy | None]) -> None:
    assert expiry(*case, requested, WINDOW) == requested + timedelta(hours=48)


def test_the_lifetime_can_be_set() -> None:
    night, day = utc("2026-06-25T20:00:00Z"), utc("2026-06-25T10:00:00Z")
    assert expiry(Channel.Sms, SendingTimePolicy.Daytime, night, WINDOW, HOUR) == utc("2026-06-26T08:00:00Z")
    assert expiry(Channel.Sms, SendingTimePolicy.Daytime, day, WINDOW, HOUR) == day + HOUR
    assert expiry(Channel.Email, None, night, WINDOW, HOUR) == night + HOUR


def test_instants_expire_by_their_own_time_to_live() -> None:
    created = utc("2026-06-25T10:00:00Z")
    assert instant_expiry(created, timedelta(seconds=60)) == created + timedelta(seconds=60)


def test_a_reminder_counts_whole_days_of_24_hours() -> None:
    main = utc("2026-03-28T12:00:00+01:00")
    assert reminder_time(main, 2) == utc("2026-03-30T13:00:00+02:00")
    local = datetime.combine(date(2026, 3, 28), time(12), OSLO)
    assert reminder_time(local, 2) == reminder_time(main, 2)
    with pytest.raises(OverflowError):
        reminder_time(main, 3_000_000)


STEPS = [timedelta(minutes=minutes) for minutes in (5, 10, 15, 30)]


def test_stepped_pauses_follow_their_list_and_stay_at_its_end() -> None:
    assert [stepped_pause(attempt, STEPS, 0.0) for attempt in range(1, 7)] == [*STEPS, STEPS[-1], STEPS[-1]]


def test_doubling_pauses_grow_up_to_their_limit() -> None:
    minute = timedelta(minutes=1)
    pauses = [doubling_pause(attempt, minute, 10 * minute, 0.0) for attempt in (1, 2, 3, 4, 5, 1000)]
    assert pauses == [minute, 2 * minute, 4 * minute, 8 * minute, 10 * minute, 10 * minute]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_jitter_lengthens_a_pause_by_a_fifth_at_most(attempt: int, jitter: float) -> None:
    pause = stepped_pause(attempt, STEPS, 0.0)
    assert pause <= stepped_pause(attempt, STEPS, jitter) <= pause * 1.2
    first, longest = timedelta(days=1), timedelta(days=30)
    bare = doubling_pause(attempt, first, longest, 0.0)
    assert bare <= doubling_pause(attempt, first, longest, jitter) <= bare * 1.2
