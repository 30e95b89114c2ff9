"""Work that is not worth going on with when its caller has gone away (api.md 1.8, 499)."""

import asyncio
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request

EXTENSION: Final = "varsel.departure"
"""Under this name among the extensions of its ASGI scope the server puts the `Departure` of a request's connection."""


class Departure:
    """That the caller at the other end of one connection goes away; the server that holds it says so.

    A request that waited for the news itself would need a task for that, which costs more than most of what it does.
    """

    __slots__ = ("_happened", "_task")

    def __init__(self) -> None:
        self._happened = False
        self._task: asyncio.Task[Any] | None = None

    def happened(self) -> None:
        """Stop who works for the caller now, and whoever begins."""
        self._happened = True
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> None:
        """Let the news stop this task from now on."""
        if self._happened:
            raise ClientDisconnect
        self._task = asyncio.current_task()

    def __exit__(self, _kind: object, error: BaseException | None, _where: TracebackType | None) -> None:
        """Be stopped no more; raises `ClientDisconnect` where the news, and nobody else, stopped the task."""
        task, self._task = self._task, None
        if self._happened and task is not None:
            alone = task.uncancel() == 0
            if alone and isinstance(error, asyncio.CancelledError):
                raise ClientDisconnect from error


def unless_gone(request: Request) -> AbstractContextManager[None]:
    """Return a block that ends with `ClientDisconnect` as soon as the caller goes away; nothing may be stored in it."""
    departure: Departure | None = request.scope.get("extensions", {}).get(EXTENSION)
    return departure or nullcontext()
