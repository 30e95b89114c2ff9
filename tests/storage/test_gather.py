"""Gathering: what waits together goes together, and each caller gets its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from varsel.storage.gather import Gatherer


class Flushes:
    """A flush that records its batches, and can be held to let more gather."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.begun = asyncio.Condition()

    async def __call__(self, items: list[int]) -> Sequence[str]:
        async with self.begun:
            self.batches.append(items)
            self.begun.notify_all()
        await self.open.wait()
        return [f"answer to {item}" for item in items]

    async def have_begun(self, number: int) -> None:
        """Wait until so many batches have begun."""
        async with self.begun:
            await self.begun.wait_for(lambda: len(self.batches) >= number)


@pytest.fixture
def flushes() -> Flushes:
    return Flushes()


async def ask(gatherer: Gatherer[int, str], *items: int) -> list[asyncio.Task[str]]:
    """Let callers hand in items, each in a task of its own."""
    return [asyncio.create_task(gatherer(item)) for item in items]


async def test_each_caller_gets_its_own_answer(flushes: Flushes) -> None:
    answers = await asyncio.gather(*(Gatherer(flushes)(item) for item in (3, 1, 2)))
    assert answers == ["answer to 3", "answer to 1", "answer to 2"]


async def test_what_gathers_during_a_flush_goes_together_in_order_of_arrival(flushes: Flushes) -> None:
    gatherer = Gatherer(flushes)
    flushes.open.clear()
    callers = await ask(gatherer, 0)
    await flushes.have_begun(1)
    callers += await ask(gatherer, 5, 4, 3)
    flushes.open.set()

    assert await asyncio.gather(*callers) == [f"answer to {item}" for item in (0, 5, 4, 3)]
    assert flushes.batches == [[0], [5, 4, 3]]


async def test_batches_are_capped(flushes: Flushes) -> None:
    gatherer = Gatherer(flushes, cap=4)
    await asyncio.gather(*(gatherer(item) for item in range(10)))
    assert [len(batch) for batch in flushes.batches] == [4, 4, 2]


async def test_lanes_flush_side_by_side(flushes: Flushes) -> None:
    gatherer = Gatherer(flushes, cap=1, lanes=3)
    flushes.open.clear()
    callers = await ask(gatherer, *range(5))
    await flushes.have_begun(3)
    assert flushes.batches == [[0], [1], [2]]
    flushes.open.set()
    await asyncio.gather(*callers)
    assert len(flushes.batches) == 5


async def test_one_bad_item_fails_its_caller_only() -> None:
    async def picky(items: list[int]) -> Sequence[str]:
        if 13 in items:
            raise ValueError("13 is not to be had")
        return [str(item) for item in items]

    gatherer = Gatherer(picky)
    answers = await asyncio.gather(*(gatherer(item) for item in (12, 13, 14)), return_exceptions=True)

    assert answers[0] == "12"
    assert isinstance(answers[1], ValueError)
    assert answers[2] == "14"
    assert await gatherer(15) == "15"


async def test_an_outage_is_told_to_everybody_at_once() -> None:
    calls = []

    async def away(items: list[int]) -> Sequence[str]:
        calls.append(items)
        raise ConnectionRefusedError("the database is away")

    answers = await asyncio.gather(*(Gatherer(away)(0), *map(Gatherer(away), range(100))), return_exceptions=True)

    assert all(isinstance(answer, ConnectionRefusedError) for answer in answers)
    assert len(calls) == 1 + 2  # alone; together, and once more for the first of them


async def test_a_flush_that_answers_too_few_leaves_nobody_waiting() -> None:
    async def short(items: list[int]) -> Sequence[str]:
        return [str(item) for item in items[1:]]

    answers = await asyncio.gather(*map(Gatherer(short), range(3)), return_exceptions=True)
    assert all(isinstance(answer, ValueError) for answer in answers)


async def test_a_caller_that_goes_away_hurts_nobody(flushes: Flushes) -> None:
    gatherer = Gatherer(flushes)
    flushes.open.clear()
    first, second, third = await ask(gatherer, 1, 2, 3)
    await flushes.have_begun(1)

    second.cancel()
    await asyncio.wait([second])
    flushes.open.set()

    assert await first == "answer to 1"
    assert await third == "answer to 3"
    assert second.cancelled()
    assert await gatherer(4) == "answer to 4"


async def test_a_bad_item_whose_caller_has_gone_hurts_nobody(flushes: Flushes) -> None:
    async def picky(items: list[int]) -> Sequence[str]:
        answers = await flushes(items)
        if 2 in items:
            raise ValueError("2 is not to be had")
        return answers

    gatherer = Gatherer(picky)
    flushes.open.clear()
    first, second, third = await ask(gatherer, 1, 2, 3)
    await flushes.have_begun(1)
    second.cancel()
    await asyncio.wait([second])
    flushes.open.set()

    assert [await first, await third] == ["answer to 1", "answer to 3"]


async def test_what_nobody_waits_for_any_more_is_not_flushed(flushes: Flushes) -> None:
    gatherer = Gatherer(flushes)
    flushes.open.clear()
    callers = await ask(gatherer, 1, 2, 3)
    await flushes.have_begun(1)
    later = await ask(gatherer, 4, 5, 6)
    await asyncio.sleep(0)  # lets them hand their items in

    later[1].cancel()
    await asyncio.wait([later[1]])
    flushes.open.set()

    await asyncio.gather(*callers, later[0], later[2])
    assert flushes.batches[-1] == [4, 6]


async def test_what_nobody_waits_for_any_more_is_left_out_when_a_batch_is_retried_one_by_one(flushes: Flushes) -> None:
    async def picky(items: list[int]) -> Sequence[str]:
        answers = await flushes(items)
        if len(items) > 1:
            raise ValueError("not together")
        return answers

    gatherer = Gatherer(picky)
    flushes.open.clear()
    first, second, third = await ask(gatherer, 1, 2, 3)
    await flushes.have_begun(1)
    second.cancel()
    await asyncio.wait([second])
    flushes.open.set()

    assert [await first, await third] == ["answer to 1", "answer to 3"]
    assert flushes.batches == [[1, 2, 3], [1], [3]]


async def test_a_batch_that_met_a_silent_server_is_not_tried_again() -> None:
    calls = []

    async def silent(items: list[int]) -> Sequence[str]:
        calls.append(items)
        raise TimeoutError

    gatherer = Gatherer(silent)
    answers = await asyncio.gather(*map(gatherer, range(3)), return_exceptions=True)

    assert all(isinstance(answer, TimeoutError) for answer in answers)
    assert calls == [[0, 1, 2]]
