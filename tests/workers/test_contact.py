"""How long a process has reached the database: lapsed leases are taken only after that long without a break."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rig import NOON
from varsel.model.clock import HandTurnedClock
from varsel.workers.contact import DatabaseContact

SECOND = timedelta(seconds=1)
GAP, ENOUGH = 3 * SECOND, 15 * SECOND


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(NOON)


@pytest.fixture
def contact(clock: HandTurnedClock) -> DatabaseContact:
    return watched(clock)


def watched(clock: HandTurnedClock) -> DatabaseContact:
    """Begin to watch."""
    contact = DatabaseContact(clock, longest_gap=GAP, time_to_record=ENOUGH)
    contact.begin()
    return contact


def reach(contact: DatabaseContact, clock: HandTurnedClock, seconds: int) -> None:
    """Reach the database once a second."""
    for _ in range(seconds):
        clock.turn(SECOND)
        contact.reached()


def test_a_process_that_has_just_started_takes_nothing_over(contact: DatabaseContact, clock: HandTurnedClock) -> None:
    assert not contact.may_take_over()
    contact.reached()
    reach(contact, clock, 14)
    assert not contact.may_take_over()
    reach(contact, clock, 1)
    assert contact.may_take_over()


@pytest.mark.parametrize("noticed", [True, False])
def test_after_an_outage_it_waits_as_long_again(
    contact: DatabaseContact, clock: HandTurnedClock, noticed: bool
) -> None:
    contact.reached()
    reach(contact, clock, 20)
    if noticed:
        contact.lost()
    clock.turn(GAP + SECOND)
    assert not contact.may_take_over()  # what the database says now is not known yet
    contact.reached()
    assert not contact.may_take_over()
    reach(contact, clock, 15)
    assert contact.may_take_over()


def test_where_nobody_watches_nothing_waits(clock: HandTurnedClock) -> None:
    assert DatabaseContact(clock, longest_gap=GAP, time_to_record=ENOUGH).may_take_over()


@given(st.lists(st.tuples(st.integers(-5, 20), st.sampled_from(["reached", "lost"])), max_size=40))
def test_nothing_is_taken_over_within_the_time_after_a_break(events: list[tuple[int, str]]) -> None:
    clock = HandTurnedClock(NOON)
    contact, unbroken = watched(clock), timedelta(0)
    last_reached = None
    for seconds, event in events:
        clock.turn(seconds * SECOND)
        if event == "lost":
            contact.lost()
            last_reached = None
            continue
        broken = last_reached is None or not timedelta(0) <= clock.now() - last_reached <= GAP
        unbroken = timedelta(0) if broken else unbroken + (clock.now() - last_reached)  # type: ignore[operator]
        contact.reached()
        last_reached = clock.now()
        assert contact.may_take_over() == (unbroken >= ENOUGH)
