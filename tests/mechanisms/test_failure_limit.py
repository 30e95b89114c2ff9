"""Slowing failed attempts."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from varsel.mechanisms.failure_limit import Allowance, FailureLimit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NONE = timedelta(0)


def limit(*, each: int = 3, together: int = 1_000) -> FailureLimit:
    return FailureLimit(Allowance(each, SECOND), Allowance(together, SECOND), longest=5 * SECOND)


def test_the_first_failures_are_free_and_each_further_one_waits_longer() -> None:
    one = limit()
    assert [one.failed("a", NOW) / SECOND for _ in range(10)] == [0, 0, 0, 1, 2, 3, 4, 5, 5, 5]


def test_failures_are_forgiven_with_time() -> None:
    one = limit()
    assert [one.failed("a", NOW) for _ in range(3)] == [NONE] * 3
    assert one.failed("a", NOW + SECOND) == NONE
    assert one.failed("a", NOW + SECOND) == SECOND
    assert [one.failed("a", NOW + timedelta(days=1)) for _ in range(3)] == [NONE] * 3


def test_sources_are_counted_apart_and_together() -> None:
    one = limit(each=1, together=3)
    assert one.failed("a", NOW) == NONE
    assert one.failed("a", NOW) == SECOND
    assert one.failed("b", NOW) == NONE
    assert one.failed("c", NOW) == SECOND  # the fourth of all


def test_a_clock_that_goes_back_forgives_nothing_and_fails_nothing() -> None:
    one = limit()
    for _ in range(5):
        one.failed("a", NOW)
    assert one.failed("a", NOW - timedelta(days=1)) == 5 * SECOND


@given(st.integers(1, 3_000))
def test_memory_is_bounded_though_every_attempt_has_another_source(sources: int) -> None:
    one = limit()
    for number in range(sources):
        one.failed(str(number), NOW)
    assert len(one._clear_at) <= 1_024
    assert one.failed("another", NOW) == min(max(SECOND * (sources + 1 - 1_000), NONE), 5 * SECOND)
