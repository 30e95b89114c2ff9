"""Waiting for something another task or process brings about, without guessing how long it takes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Answer = TypeVar("Answer")

_PAUSE = 0.005
_LONGEST = 30.0


async def until(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask again and again until the answer is true, and return it; fail when that takes far too long."""
    async with asyncio.timeout(_LONGEST):
        while not (answer := await ask()):  # noqa: ASYNC110 - what is waited for may lie in another process
            await asyncio.sleep(_PAUSE)
        return answer
