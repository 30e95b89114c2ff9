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
)

_MINUTE = timedelta(minutes=1)


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
