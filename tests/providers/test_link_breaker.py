"""The breaker: when it asks for a pause, how the pause grows and how it ends."""

from datetime import UTC, datetime, timedelta

from varsel.channels.sms_link.breaker import Breaker
from varsel.model.clock import HandTurnedClock

S = timedelta(seconds=1)


def breaker(failures: int = 3, chance: float = 0.5) -> tuple[Breaker, HandTurnedClock]:
    clock = HandTurnedClock(datetime(2026, 3, 1, tzinfo=UTC))
    return Breaker(clock, failures, 4 * S, 10 * S, lambda: chance), clock


def test_pauses_after_failures_in_a_row() -> None:
    subject, _ = breaker()
    assert [subject.failed("x") for _ in range(3)] == [None, None, 4 * S]
    assert subject.remaining() == 4 * S


def test_a_success_starts_the_count_anew() -> None:
    subject, _ = breaker()
    subject.failed("x")
    subject.failed("x")
    subject.succeeded()
    assert [subject.failed("x") for _ in range(2)] == [None, None]
    assert subject.remaining() is None


def test_one_exchange_is_let_through_when_the_pause_is_over() -> None:
    subject, clock = breaker(failures=1)
    subject.failed("x")
    clock.turn(4 * S)
    assert subject.remaining() is None
    assert subject.remaining() == 4 * S
    subject.succeeded()
    assert [subject.remaining() for _ in range(3)] == [None] * 3


def test_the_pause_doubles_up_to_the_longest() -> None:
    subject, clock = breaker(failures=1)
    pauses = []
    for _ in range(4):
        pause = subject.failed("x")
        assert pause is not None
        pauses.append(pause)
        clock.turn(pause)
        assert subject.remaining() is None
    assert pauses == [4 * S, 8 * S, 10 * S, 10 * S]


def test_failures_of_exchanges_in_flight_do_not_lengthen_the_pause() -> None:
    subject, clock = breaker(failures=1)
    subject.failed("x")
    clock.turn(1 * S)
    assert subject.failed("x") == 3 * S
    clock.turn(3 * S)
    assert subject.failed("x") == 8 * S


def test_an_abandoned_trial_lets_the_next_one_through() -> None:
    subject, clock = breaker(failures=1)
    subject.failed("x")
    clock.turn(4 * S)
    assert subject.remaining() is None
    subject.abandoned()
    assert subject.remaining() is None


def test_at_once_and_at_least() -> None:
    subject, _ = breaker(failures=100)
    assert subject.failed("x", at_once=True, at_least=90 * S) == 90 * S


def test_pauses_are_spread() -> None:
    shortest, longest = (breaker(failures=1, chance=chance)[0].failed("x") for chance in (0.0, 1.0))
    assert (shortest, longest) == (3.2 * S, 4.8 * S)
