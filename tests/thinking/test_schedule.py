"""The daytime window, expiry and pauses; window and expiry against an oracle that knows the laws of the clocks."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.wall_clocks import OSLO as OSLO_CLOCK
from tests.support.wall_clocks import WALL_CLOCKS, WallClock
from varsel.model.clock import LATEST
from varsel.model.orders import SendingTimePolicy
from varsel.model.results import Channel
from varsel.schedule import (
    LIFETIME,
    DaytimeWindow,
    doubling_pause,
    expiry,
    instant_expiry,
    reminder_time,
)

OSLO = ZoneInfo("Europe/Oslo")
WINDOW = DaytimeWindow(OSLO)
TICK = timedelta.resolution
HOUR = timedelta(hours=1)

instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds must be naive
YEARS = range(2023, 2029)


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


@pytest.mark.parametrize("hours", [(9, 9), (17, 9), (-1, 9), (9, 25)])
def test_a_window_must_open_before_it_closes(hours: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must open before it closes"):
        DaytimeWindow(OSLO, *hours)


def test_a_window_may_last_until_midnight() -> None:
    window = DaytimeWindow(OSLO, 9, 24)
    assert window.is_open(utc("2026-07-01T23:59:59.999999+02:00"))
    assert not window.is_open(utc("2026-07-02T00:00:00+02:00"))


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


# --- the oracle: processing.md 4.3 and 4.4 once more, in the words of a wall clock


@dataclass(frozen=True)
class Hours:
    """A window as a setting says it, and the clock it is told by."""

    clock: WallClock
    opens: int
    closes: int

    @property
    def window(self) -> DaytimeWindow:
        """The window that must agree."""
        return DaytimeWindow(ZoneInfo(self.clock.zone), self.opens, self.closes)

    def is_open(self, instant: datetime) -> bool:
        """Strictly between the hours, by what the clock shows."""
        return self.opens * HOUR < self._of_day(instant) < self.closes * HOUR

    def expiry(self, instant: datetime, lifetime: timedelta) -> datetime:
        """W(t): from inside the window by the stopwatch, from outside by the clock, from the opening of that date."""
        if self.is_open(instant):
            return instant + lifetime
        is_before = self._of_day(instant) < self.opens * HOUR
        opening = self._midnight(instant) + self.opens * HOUR
        return self.clock.instant(opening + lifetime + (0 if is_before else 24) * HOUR)

    def _midnight(self, instant: datetime) -> datetime:
        return datetime.combine(self.clock.shows(instant), time())

    def _of_day(self, instant: datetime) -> timedelta:
        return self.clock.shows(instant) - self._midnight(instant)


def assert_agrees(hours: Hours, instant: datetime, lifetime: timedelta = LIFETIME) -> None:
    """Hold window and expiry to the oracle."""
    window = hours.window
    assert window.is_open(instant) is hours.is_open(instant)
    expires = expiry(Channel.Sms, SendingTimePolicy.Daytime, instant, window, lifetime)
    assert (expires, expires.utcoffset()) == (hours.expiry(instant, lifetime), timedelta(0))


NORWAY = Hours(OSLO_CLOCK, 9, 17)
CHANGES = [(year, which) for year in YEARS for which in (0, 1)]


@pytest.mark.parametrize(("year", "which"), CHANGES)
def test_around_every_change_of_clocks_each_quarter_of_an_hour_agrees(year: int, which: int) -> None:
    """Four days before and after, so that each kind of expiry is reached across the change; to the microsecond."""
    change = OSLO_CLOCK.changes(year)[which]
    for quarter in range(-4 * 96, 4 * 96 + 1):
        for tick in (-TICK, 0 * TICK, TICK):
            assert_agrees(NORWAY, change + quarter * HOUR / 4 + tick)


@pytest.mark.parametrize("year", YEARS)
def test_the_exact_bounds_of_every_day_agree(year: int) -> None:
    """09:00:00 and 17:00:00 in Oslo, and the microseconds beside them, on each day of the year."""
    for day in range(365):
        for hour in (9, 17):
            shown = datetime(year, 1, 1) + timedelta(days=day, hours=hour)  # noqa: DTZ001 - what a clock shows
            bound = OSLO_CLOCK.instant(shown)
            assert not WINDOW.is_open(bound)
            for tick in (-TICK, 0 * TICK, TICK):
                assert_agrees(NORWAY, bound + tick)


@st.composite
def moments(draw: st.DrawFn) -> tuple[Hours, datetime]:
    """Draw a window of any hours and clock, and an instant: at one of its bounds, near a change, or anywhere."""
    opens, closes = sorted(draw(st.sets(st.integers(0, 24), min_size=2, max_size=2)))
    hours = Hours(draw(st.sampled_from(WALL_CLOCKS)), opens, closes)
    near = draw(st.sampled_from(hours.clock.changes(draw(st.sampled_from(YEARS)))))
    tick = draw(st.integers(-1, 1)) * TICK
    match draw(st.sampled_from(["bound", "change", "anywhere"])):
        case "bound":
            day = datetime.combine(near, time()) + timedelta(days=draw(st.integers(-4, 4)))
            return hours, hours.clock.instant(day + draw(st.sampled_from([opens, closes])) * HOUR) + tick
        case "change":
            return hours, near + draw(st.integers(-96 * 12, 96 * 12)) * HOUR / 12 + tick
        case _:
            return hours, draw(instants)


@settings(max_examples=500)
@given(moments(), st.sampled_from([HOUR, LIFETIME, timedelta(days=30)]))
def test_any_window_on_any_clock_agrees(moment: tuple[Hours, datetime], lifetime: timedelta) -> None:
    assert_agrees(*moment, lifetime)


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


def test_doubling_pauses_grow_up_to_their_limit() -> None:
    minute = timedelta(minutes=1)
    pauses = [doubling_pause(attempt, minute, 10 * minute, 0.0) for attempt in (1, 2, 3, 4, 5, 1000)]
    assert pauses == [minute, 2 * minute, 4 * minute, 8 * minute, 10 * minute, 10 * minute]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_jitter_lengthens_a_pause_by_a_fifth_at_most(attempt: int, jitter: float) -> None:
    first, longest = timedelta(days=1), timedelta(days=30)
    bare = doubling_pause(attempt, first, longest, 0.0)
    assert bare <= doubling_pause(attempt, first, longest, jitter) <= bare * 1.2


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("policy", SendingTimePolicy)
def test_nothing_expires_after_the_end_of_the_calendar(channel: Channel, policy: SendingTimePolicy) -> None:
    for requested in (LATEST, LATEST - timedelta(hours=30), LATEST - timedelta(hours=48)):
        assert expiry(channel, policy, requested, WINDOW) <= LATEST
