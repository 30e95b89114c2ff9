"""Places that several parties share."""

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from varsel.mechanisms.shared_places import SHARE, SharedPlaces, may_take


@given(st.integers(1, 2000), st.integers(1, 20))
def test_greedy_parties_end_with_equal_shares_and_leave_some_for_another(total: int, parties: int) -> None:
    held = Counter[int]()
    free, taken = total, True
    while taken:
        taken = False
        for party in range(parties):
            if free and may_take(held[party], free):
                held[party] += 1
                free -= 1
                taken = True
    fair = SHARE * total / (1 + parties * SHARE)
    if total > parties:
        assert all(abs(held[party] - fair) <= SHARE for party in range(parties))
    assert free >= total // (1 + parties * SHARE)


async def _settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)  # lets tasks that were given a place take note of it


async def test_a_party_alone_gets_three_quarters_and_another_finds_places() -> None:
    places = SharedPlaces(64)
    greedy = [asyncio.create_task(places.take("greedy")) for _ in range(100)]
    await _settle()
    assert sum(task.done() for task in greedy) == 48
    async with asyncio.timeout(5):
        await places.take("modest")
    places.give_back("modest")
    for task in greedy:
        places.give_back("greedy")
        await _settle()
        assert task.done(), "who waits gets the place that became free"


async def test_a_freed_place_goes_to_whoever_holds_fewest() -> None:
    places = SharedPlaces(4)
    for _ in range(3):
        await places.take("greedy")
    await places.take("modest")
    waiting = {party: asyncio.create_task(places.take(party)) for party in ("greedy", "other", "modest")}
    await _settle()
    places.give_back("greedy")
    await _settle()
    assert [party for party, task in waiting.items() if task.done()] == ["other"]
    for task in waiting.values():
        task.cancel()
    await asyncio.gather(*waiting.values(), return_exceptions=True)


async def test_nobody_in_particular_has_no_limit() -> None:
    places = SharedPlaces(8)
    async with asyncio.timeout(5):
        for _ in range(8):
            await places.take()


async def test_places_given_up_while_waiting_are_not_lost() -> None:
    places = SharedPlaces(1)
    await places.take("a")
    given, waiting = (asyncio.create_task(places.take("b")) for _ in range(2))
    await _settle()
    places.give_back("a")  # to the first, which is called off before it can take note
    for task in (given, waiting):
        task.cancel()
    await asyncio.gather(given, waiting, return_exceptions=True)
    async with asyncio.timeout(5):
        await places.take("c")
