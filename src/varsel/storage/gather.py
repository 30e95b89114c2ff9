"""Shared work: what waits together goes to the database together.

One flush takes everything that has gathered while the one before it ran, with no artificial delay; lingering even a
millisecond made it slower. Batches are capped, because beyond about a hundred rows they only add latency.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from varsel.storage.outages import is_outage

Item = TypeVar("Item")
Answer = TypeVar("Answer")

Flush = Callable[[list[Item]], Awaitable[Sequence[Answer]]]
_Call = tuple[Item, asyncio.Future[Answer]]


class Gatherer(Generic[Item, Answer]):
    """Turns many concurrent calls into few batches, answering each caller with its own result.

    `flush` gets at most `cap` items and returns one answer for each, in order. Where a batch fails, its items are
    tried one by one, so that only the guilty caller sees the error; `flush` must therefore be safe to repeat. When
    the database proves to be away, all of them see that at once.

    An item whose caller has given up is left out of every flush that has not begun. What is already being flushed
    stays in doubt: it may be stored although its caller never hears of it.
    """

    def __init__(self, flush: Flush[Item, Answer], *, cap: int = 128, lanes: int = 1) -> None:
        self._flush = flush
        self._cap = cap
        self._idle_lanes = lanes
        self._waiting: deque[_Call[Item, Answer]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, item: Item) -> Answer:
        """Hand in `item` and wait for its answer."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._idle_lanes:
            self._idle_lanes -= 1
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _drain(self) -> None:
        try:
            while batch := self._next_batch():
                await self._settle(batch)
        finally:
            self._idle_lanes += 1

    def _next_batch(self) -> list[_Call[Item, Answer]]:
        """Take what waits, up to the cap, without the items whose callers have given up."""
        batch: list[_Call[Item, Answer]] = []
        while self._waiting and len(batch) < self._cap:
            call = self._waiting.popleft()
            if not call[1].done():
                batch.append(call)
        return batch

    async def _settle(self, batch: list[_Call[Item, Answer]]) -> None:
        try:
            answers = await self._flush([item for item, _ in batch])
            answered = list(zip(batch, answers, strict=True))
        except Exception as error:  # noqa: BLE001 - whatever went wrong belongs to the callers, not to the drain
            await self._settle_apart(batch, error)
            return
        for (_, future), answer in answered:
            if not future.done():
                future.set_result(answer)

    async def _settle_apart(self, batch: list[_Call[Item, Answer]], error: Exception) -> None:
        if len(batch) == 1 or isinstance(error, TimeoutError):  # a server that is silent is not asked once more
            _fail(batch, error)
            return
        for number, single in enumerate(batch):
            if single[1].done():
                continue
            await self._settle([single])
            if _met_an_outage(single[1]):
                _fail(batch[number + 1 :], error)  # nobody waits in line only to learn the same
                return


def _met_an_outage(answered: asyncio.Future[Answer]) -> bool:
    error = None if answered.cancelled() else answered.exception()
    return error is not None and is_outage(error)


def _fail(batch: list[_Call[Item, Answer]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
