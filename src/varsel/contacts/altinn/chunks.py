"""Questions of any size in calls of a bounded one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from varsel.errors import DependencyFailure

Q = TypeVar("Q")
A = TypeVar("A")


async def in_chunks(
    asked: Iterable[Q], size: int, call: Callable[[Sequence[Q]], Awaitable[Iterable[A] | None]]
) -> list[A]:
    """Ask for each distinct item, at most `size` in a call, and join the answers; no items, no call.

    One failing call fails the whole and ends the others.
    """
    distinct = list(dict.fromkeys(asked))
    chunks = [distinct[start : start + size] for start in range(0, len(distinct), size)]
    if len(chunks) == 1:
        return list(await call(chunks[0]) or ())
    try:
        async with asyncio.TaskGroup() as calls:
            answers = [calls.create_task(_call(call, chunk)) for chunk in chunks]
    except ExceptionGroup as failures:
        raise _foremost(failures) from None
    return [part for answer in answers for part in answer.result()]


async def _call(call: Callable[[Sequence[Q]], Awaitable[Iterable[A] | None]], chunk: Sequence[Q]) -> list[A]:
    return list(await call(chunk) or ())


def _foremost(failures: ExceptionGroup[Exception]) -> Exception:
    """Prefer a mistake of ours to a dependency's failure: it is what must be seen."""
    mistakes = [failure for failure in failures.exceptions if not isinstance(failure, DependencyFailure)]
    return (mistakes or failures.exceptions)[0]
