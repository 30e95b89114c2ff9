"""Work that is not worth going on with when its caller has gone away (api.md 1.8, 499)."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Do `work`, of which nothing may be stored yet; raises `ClientDisconnect` as soon as the caller goes away.

    The body must have been read to its end: what comes after it can only be the news of the departure.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("only a task can be stopped when its caller goes away")
    gone = over = False

    def stop(watching: asyncio.Task[None]) -> None:
        nonlocal gone
        if not over and not watching.cancelled():
            gone = True
            task.cancel()

    watching = asyncio.create_task(_departure(request))
    watching.add_done_callback(stop)
    try:
        return await work
    except asyncio.CancelledError:
        if gone and task.uncancel() == 0:
            raise ClientDisconnect from None
        raise
    finally:
        over = True  # the news may be on its way already, and must not stop what comes after the work
        watching.cancel()


async def _departure(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
