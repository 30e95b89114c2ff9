"""What follows when a send condition could not be decided (processing.md 1.7)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.orders.condition import (
    ConditionPolicy,
    TreatAsMet,
    TreatAsNotMet,
    TryAgain,
    Undecided,
    after_inconclusive,
    after_not_asked,
)

_MINUTE = timedelta(minutes=1)
_NONE = timedelta(0)


def test_the_contract_tries_once_more_after_a_minute_and_then_sends() -> None:
    policy = ConditionPolicy()
    assert after_inconclusive(1, policy) == TryAgain(_MINUTE)
    assert after_inconclusive(2, policy) == TreatAsMet()
    assert after_inconclusive(3, policy) == TreatAsMet()


def test_a_setting_may_say_do_not_send() -> None:
    policy = ConditionPolicy(Undecided.DO_NOT_SEND)
    assert [after_inconclusive(asked, policy) for asked in (1, 2)] == [TryAgain(_MINUTE), TreatAsNotMet()]


def test_more_attempts_come_after_growing_pauses() -> None:
    policy = ConditionPolicy(attempts=9)
    pauses = [after_inconclusive(asked, policy) for asked in range(1, 9)]
    assert pauses == [TryAgain(minutes * _MINUTE) for minutes in (1, 2, 4, 8, 16, 32, 60, 60)]
    assert after_inconclusive(9, policy) == TreatAsMet()


def test_a_hold_asks_on_and_ends_after_its_longest_time() -> None:
    policy = ConditionPolicy(Undecided.HOLD, longest_hold=10 * _MINUTE)
    steps = [after_inconclusive(asked, policy) for asked in range(1, 5)]
    assert steps == [TryAgain(_MINUTE), TryAgain(2 * _MINUTE), TryAgain(4 * _MINUTE), TreatAsNotMet()]


@given(st.sampled_from(Undecided), st.integers(1, 20), st.integers(1, 10**9))
def test_every_policy_ends_and_pauses_stay_within_bounds(undecided: Undecided, attempts: int, asked: int) -> None:
    policy = ConditionPolicy(undecided, attempts)
    step = after_inconclusive(asked, policy)
    if isinstance(step, TryAgain):
        assert _MINUTE <= step.pause <= timedelta(hours=1)
        assert asked < 100
    if undecided is Undecided.HOLD:
        assert step != TreatAsMet()


@pytest.mark.parametrize("asked", [2, 5, 50])
def test_only_an_explicit_policy_keeps_an_undecided_order(asked: int) -> None:
    assert after_inconclusive(asked, ConditionPolicy()) == TreatAsMet()


# --- when it could not even be asked


def test_pauses_for_want_of_asking_double_and_last_as_long_as_the_host_rests_at_least() -> None:
    policy = ConditionPolicy()
    seconds = (15, 30, 60, 120, 240, 480, 900, 900)
    steps = [after_not_asked(unasked, _NONE, 0, policy) for unasked in range(1, 9)]
    assert steps == [TryAgain(timedelta(seconds=pause)) for pause in seconds]
    assert after_not_asked(1, _MINUTE, 0, policy) == TryAgain(_MINUTE)
    assert after_not_asked(3, timedelta(seconds=20), 0, policy) == TryAgain(_MINUTE)
    assert after_not_asked(1, _MINUTE, 1, policy) == TryAgain(1.2 * _MINUTE)


@pytest.mark.parametrize(
    ("undecided", "end", "hours"),
    [
        (Undecided.SEND, TreatAsMet(), 24),
        (Undecided.DO_NOT_SEND, TreatAsNotMet(), 24),
        (Undecided.HOLD, TreatAsNotMet(), 48),
    ],
)
def test_who_was_never_asked_is_waited_for_a_day_and_not_for_ever(
    undecided: Undecided, end: TreatAsMet | TreatAsNotMet, hours: int
) -> None:
    policy = ConditionPolicy(undecided, attempts=1)
    waited, unasked = timedelta(0), 1
    while isinstance(step := after_not_asked(unasked, _NONE, 0, policy), TryAgain):
        waited, unasked = waited + step.pause, unasked + 1
    assert step == end
    assert timedelta(hours=hours) - timedelta(minutes=15) < waited <= timedelta(hours=hours)
    assert unasked < 250, "which the column that counts them can hold"
    assert after_not_asked(unasked + 1, _NONE, 0, policy) == end
