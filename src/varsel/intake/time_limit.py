"""How long a request may take: one limit for many tasks, and one timer for all of them.

A timer for each request, set and stopped again, would cost more than many a request itself.
"""

import asyncio
from datetime import timedelta
from types import TracebackType
from typing import Any

_Task = asyncio.Task[Any]


class TimeLimit:
    """Ends with `TimeoutError` a block that takes longer than `longest`; each task may be in it once at a time::

        with limit.kept():
            await work()

    A task is stopped between `longest` and a tenth more than that after it began.
    """

    def __init__(self, longest: timedelta) -> None:
        self._seconds = longest.total_seconds()
        self._ends: dict[_Task, float] = {}  # in the order in which they began, and so of their ends
        self._overdue: set[_Task] = set()
        self._timer: asyncio.TimerHandle | None = None

    def kept(self) -> "_Kept":
        """Keep the limit for the time of a `with` block."""
        return _Kept(self)

    def begin(self, task: _Task) -> None:
        """Begin to count."""
        loop = task.get_loop()
        self._ends[task] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look, loop)

    def end(self, task: _Task) -> bool:
        """Stop counting, and tell whether it was this limit, and nobody else, that stopped the task."""
        self._ends.pop(task, None)
        if task not in self._overdue:
            return False
        self._overdue.discard(task)
        return task.uncancel() == 0

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop whoever is overdue, and look again when the next may be."""
        self._timer = None
        now = loop.time()
        for task, end in list(self._ends.items()):
            if end > now:
                self._timer = loop.call_later(max(end - now, self._seconds / 10), self._look, loop)
                return
            del self._ends[task]
            self._overdue.add(task)
            task.cancel()


class _Kept:
    """One task under the limit."""

    __slots__ = ("_limit", "_task")

    def __init__(self, limit: TimeLimit) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit holds for tasks only")
        self._limit = limit
        self._task: _Task = task

    def __enter__(self) -> None:
        """Begin to count."""
        self._limit.begin(self._task)

    def __exit__(self, _kind: object, error: BaseException | None, _where: TracebackType | None) -> None:
        """Stop counting; raises `TimeoutError` where the limit stopped the task."""
        if self._limit.end(self._task) and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error
