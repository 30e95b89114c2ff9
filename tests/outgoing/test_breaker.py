"""Pauses for hosts that keep failing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.model.clock import HandTurnedClock
from varsel.outgoing.breaker import Breakers, Resting

_START = datetime(2026, 1, 1, tzinfo=UTC)
_HOST = "condition.example.com"
_SECOND = timedelta(seconds=1)
_RESTING = Resting(failures=3, first=10 * _SECOND, longest=30 * _SECOND, hosts=2)


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(_START)


@pytest.fixture
def breakers(clock: HandTurnedClock) -> Breakers:
    return Breakers(clock, _RESTING, chance=lambda: 0.5)


def _fail(breakers: Breakers, times: int, host: str = _HOST) -> None:
    for _ in range(times):
        breakers.failed(host)


def test_it_takes_failures_in_a_row(breakers: Breakers) -> None:
    _fail(breakers, 2)
    breakers.succeeded(_HOST)
    _fail(breakers, 2)
    assert breakers.rest(_HOST) is None
    _fail(breakers, 1)
    assert breakers.rest(_HOST) == 10 * _SECOND


def test_hosts_do_not_answer_for_each_other(breakers: Breakers) -> None:
    _fail(breakers, 3)
    assert breakers.rest("other.example.com") is None


def test_each_failure_after_a_pause_doubles_it_up_to_the_longest(breakers: Breakers, clock: HandTurnedClock) -> None:
    _fail(breakers, 3)
    for expected in (20, 30, 30):
        rest = breakers.rest(_HOST)
        assert rest is not None
        clock.turn(rest)
        assert breakers.rest(_HOST) is None
        _fail(breakers, 1)
        assert breakers.rest(_HOST) == expected * _SECOND


def test_failures_that_were_under_way_when_the_rest_began_do_not_lengthen_it(
    breakers: Breakers, clock: HandTurnedClock
) -> None:
    _fail(breakers, 3)
    clock.turn(_SECOND)
    _fail(breakers, 5)
    assert breakers.rest(_HOST) == 9 * _SECOND


def test_an_answer_ends_the_rest_and_forgets_the_failures(breakers: Breakers) -> None:
    _fail(breakers, 3)
    breakers.succeeded(_HOST)
    assert breakers.rest(_HOST) is None
    _fail(breakers, 2)
    assert breakers.rest(_HOST) is None


def test_the_host_that_failed_longest_ago_is_forgotten_first(breakers: Breakers) -> None:
    _fail(breakers, 3, "a.example.com")
    _fail(breakers, 3, "b.example.com")
    _fail(breakers, 1, "a.example.com")
    _fail(breakers, 3, "c.example.com")
    resting = [host for host in ("a", "b", "c") if breakers.rest(f"{host}.example.com")]
    assert resting == ["a", "c"]


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 100))
def test_chance_moves_a_pause_by_a_fifth_at_most(chance: float, more: int) -> None:
    breakers = Breakers(HandTurnedClock(_START), Resting(failures=1 + more, first=10 * _SECOND), lambda: chance)
    _fail(breakers, 1 + more)
    rest = breakers.rest(_HOST)
    assert rest is not None
    assert 8 * _SECOND <= rest <= 12 * _SECOND
