"""Pace: no more than the rate in any stretch of time, nothing of it wasted, and a rate learned from refusals."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from varsel.mechanisms.pace import LearnedRate, reserve

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
AHEAD, SLACK = timedelta(seconds=2), timedelta(milliseconds=200)
SECOND = timedelta(seconds=1)

rates = st.floats(0.2, 500)
asking = st.lists(st.tuples(st.floats(0, 3), st.integers(1, 300)), min_size=1, max_size=40)
"""Seconds after the time before, and how many slots are wanted then."""


def taken(rate: float, asked: list[tuple[float, int]]) -> list[datetime]:
    """Return when each slot is used by callers who ask one after the other: at its time, or at once if that is past."""
    now = next_free = START
    used = list[datetime]()
    for pause, wanted in asked:
        now += timedelta(seconds=pause)
        slots = reserve(next_free, now=now, wanted=wanted, rate=rate, ahead=AHEAD, slack=SLACK)
        next_free = slots.next_free
        used += [max(now, slots.at(number)) for number in range(slots.count)]
    return used


@settings(deadline=None)
@given(rates, asking)
def test_no_stretch_of_time_has_more_than_the_rate_and_the_slack(rate: float, asked: list[tuple[float, int]]) -> None:
    used = taken(rate, asked)
    assert used == sorted(used)
    # How far each one is ahead of an even pace; between any two, this may grow by the slack and no more.
    early = [number / rate - (moment - START).total_seconds() for number, moment in enumerate(used)]
    least = float("inf")
    for lead in early:
        least = min(least, lead)
        assert lead - least <= SLACK.total_seconds() + 1e-4


@settings(deadline=None)
@given(rates, asking)
def test_no_slot_lies_further_ahead_than_allowed(rate: float, asked: list[tuple[float, int]]) -> None:
    now = next_free = START
    for pause, wanted in asked:
        now += timedelta(seconds=pause)
        slots = reserve(next_free, now=now, wanted=wanted, rate=rate, ahead=AHEAD, slack=SLACK)
        next_free = slots.next_free
        assert 0 <= slots.count <= wanted
        if slots.count:
            assert slots.at(slots.count - 1) <= now + AHEAD


@settings(deadline=None)
@given(st.floats(1, 500))
def test_who_always_has_more_to_send_gets_the_whole_rate(rate: float) -> None:
    used = taken(rate, [(0.5, 10_000)] * 40)
    assert 0.95 <= len(used) / (rate * (20 + AHEAD.total_seconds() - 0.5)) <= 1.02 + 1 / rate


def test_a_free_slot_that_a_wrong_clock_left_far_ahead_holds_nobody_up() -> None:
    slots = reserve(START + timedelta(hours=1), now=START, wanted=5, rate=10, ahead=AHEAD, slack=SLACK)
    assert (slots.first, slots.count) == (START, 5)


# --- learned


def test_a_rate_is_unlimited_until_a_share_is_refused() -> None:
    learned = LearnedRate()
    for number in range(1000):
        learned.taken(START)
        if number % 20 == 0:
            assert not learned.refused(START)
    assert learned.rate(START) is None


def test_two_refusals_alone_limit_nothing() -> None:
    learned = LearnedRate()
    assert not learned.refused(START)
    assert not learned.refused(START)
    assert learned.rate(START) is None
    assert learned.refused(START)


def test_the_first_limit_is_what_was_taken_in_the_last_second() -> None:
    learned = LearnedRate()
    for _ in range(14):
        learned.taken(START)
    while not learned.refused(START):
        pass
    assert learned.rate(START) == 0.9 * 14


def test_a_limited_rate_falls_once_a_second_and_grows_to_none() -> None:
    learned = LearnedRate()
    for _ in range(100):
        learned.taken(START)
    for _ in range(200):
        learned.refused(START)
    first = learned.rate(START)
    assert first == 90
    assert learned.refused(START + 1.5 * SECOND)
    lower = learned.rate(START + 1.5 * SECOND)
    assert lower is not None
    assert lower < first
    later = learned.rate(START + 20 * SECOND)
    assert later is not None
    assert later > lower
    assert learned.rate(START + timedelta(minutes=10)) is None


@settings(deadline=None)
@given(st.integers(0, 600))
def test_a_rate_never_falls_to_nothing_and_is_forgotten_in_the_end(seconds: int) -> None:
    learned = LearnedRate()
    now = START
    for _ in range(seconds):
        now += SECOND
        for _ in range(3):
            learned.refused(now)
    rate = learned.rate(now)
    assert rate is None or rate >= 0.2
    assert learned.rate(now + timedelta(hours=1)) is None
