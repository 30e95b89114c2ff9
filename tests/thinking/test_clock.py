"""The clock that follows another: agreed times, whatever the machine says."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from varsel.model.clock import CorrectedClock, HandTurnedClock, SteadyClock

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
spans = st.timedeltas(timedelta(0), timedelta(seconds=10))


def test_a_clock_that_agrees_is_left_alone() -> None:
    clock = CorrectedClock(HandTurnedClock(NOON))
    clock.follow(NOON + SECOND, asked=NOON, answered=NOON + 3 * SECOND)
    assert clock.now() == NOON


def test_a_clock_far_off_is_brought_within_the_bounds_of_one_answer() -> None:
    clock = CorrectedClock(HandTurnedClock(NOON))
    clock.follow(NOON + 90 * SECOND, asked=NOON, answered=NOON + SECOND)
    assert clock.now() == NOON + 89 * SECOND
    clock.follow(NOON - 90 * SECOND, asked=NOON, answered=NOON)
    assert clock.now() == NOON - 90 * SECOND


def test_an_answer_that_came_before_it_was_asked_for_says_nothing() -> None:
    clock = CorrectedClock(HandTurnedClock(NOON))
    clock.follow(NOON + 90 * SECOND, asked=NOON, answered=NOON - SECOND)
    assert clock.now() == NOON


@given(truth=st.timedeltas(timedelta(hours=-5), timedelta(hours=5)), there=spans, back=spans, before=spans)
def test_the_error_is_no_larger_than_the_time_an_answer_took(
    truth: timedelta, there: timedelta, back: timedelta, before: timedelta
) -> None:
    clock = CorrectedClock(HandTurnedClock(NOON))
    clock.follow(NOON + before + truth, asked=NOON, answered=NOON + 2 * before)
    clock.follow(NOON + there + truth, asked=NOON, answered=NOON + there + back)
    assert abs(clock.offset - truth) <= there + back


def test_a_steady_clock_does_not_go_backwards() -> None:
    clock = SteadyClock()
    read = [clock.now() for _ in range(100)]
    assert read == sorted(read)
    assert read[0].tzinfo is UTC
