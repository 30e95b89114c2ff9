"""Pauses between attempts."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from varsel.mechanisms.backoff import exponential, lengthened, spread, stepped

SECOND = timedelta(seconds=1)
CHANCES = st.floats(0, 1)


def test_an_exponential_pause_doubles_up_to_its_limit() -> None:
    assert [exponential(n, SECOND, 10 * SECOND) / SECOND for n in range(1, 7)] == [1, 2, 4, 8, 10, 10]


@given(st.integers(1, 10**9))
def test_any_number_of_failures_gives_a_pause_within_the_limits(failures: int) -> None:
    assert SECOND <= exponential(failures, SECOND, 60 * SECOND) <= 60 * SECOND


def test_stepped_pauses_follow_their_list_and_stay_at_its_end() -> None:
    assert [stepped(failures, [SECOND, 5 * SECOND]) / SECOND for failures in (1, 2, 3, 100)] == [1, 5, 5, 5]


@given(CHANCES)
def test_a_lengthened_pause_is_never_shorter(chance: float) -> None:
    assert 10 * SECOND <= lengthened(10 * SECOND, chance) <= 12 * SECOND


@given(CHANCES)
def test_a_spread_pause_stays_within_its_share(chance: float) -> None:
    assert 8 * SECOND <= spread(10 * SECOND, chance) <= 12 * SECOND
