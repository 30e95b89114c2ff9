"""Places of which nobody may hold more than a share."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.mechanisms.shares import Shares


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_has_his_share_waits_while_others_pass() -> None:
    shares = Shares(2, each=1)
    await shares.acquire("a")
    second = asyncio.create_task(shares.acquire("a"))
    await settled()
    await shares.acquire("b")
    assert not second.done()

    shares.release("a")
    await settled()
    assert second.done()


async def test_places_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    shares, order = Shares(1, each=1), []
    await shares.acquire("first")

    async def wait(user: str) -> None:
        await shares.acquire(user)
        order.append(user)
        shares.release(user)

    tasks = [asyncio.create_task(wait(user)) for user in "abc"]
    await settled()
    shares.release("first")
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c"]


@pytest.mark.parametrize("given_first", [True, False])
async def test_a_place_that_nobody_waits_for_any_more_goes_to_the_next(given_first: bool) -> None:
    shares = Shares(1, each=1)
    await shares.acquire("a")
    leaving, staying = (asyncio.create_task(shares.acquire(user)) for user in "bc")
    await settled()
    if given_first:
        shares.release("a")
        leaving.cancel()
    else:
        leaving.cancel()
        shares.release("a")
    async with asyncio.timeout(10):
        await staying
    assert (await asyncio.gather(leaving, return_exceptions=True))[0].__class__ is asyncio.CancelledError


@given(st.integers(1, 4), st.integers(1, 4), st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40))
def test_no_bound_is_ever_passed_and_nobody_waits_for_a_place_that_is_free(
    places: int, each: int, steps: list[tuple[str, bool]]
) -> None:
    async def run() -> None:
        shares = Shares(places, each)
        asked: list[tuple[str, asyncio.Task[None]]] = []
        for user, asks in steps:
            if asks:
                asked.append((user, asyncio.create_task(shares.acquire(user))))
            else:
                held = [pair for pair in asked if pair[1].done() and pair[0] == user]
                if held:
                    asked.remove(held[0])
                    shares.release(user)
            await settled()
            holding = [user for user, task in asked if task.done()]
            waiting = {user for user, task in asked if not task.done()}
            assert len(holding) <= places
            assert all(holding.count(user) <= each for user in "abc")
            if len(holding) < places:
                assert all(holding.count(user) == each for user in waiting)
        for _, task in asked:
            task.cancel()
        await asyncio.gather(*(task for _, task in asked), return_exceptions=True)

    asyncio.run(run())
