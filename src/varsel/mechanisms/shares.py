"""Places that many want, of which nobody may hold more than a share: a semaphore that is fair between its users."""

import asyncio
from collections import Counter, deque
from collections.abc import Hashable


class Shares:
    """`places` in all, at most `each` of them for one user.

    Places are given in the order in which they were asked for, passing over users who have their share already.
    """

    def __init__(self, places: int, each: int) -> None:
        self._free = places
        self._each = each
        self._held: Counter[Hashable] = Counter()
        self._waiting: deque[tuple[Hashable, asyncio.Future[None]]] = deque()

    async def acquire(self, user: Hashable) -> None:
        """Wait for a place; `release` gives it back."""
        if self._may_have(user):
            self._give(user)
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((user, granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.release(user)  # the place was given while this task was being cancelled
            raise

    def release(self, user: Hashable) -> None:
        """Give a place back."""
        self._free += 1
        self._held[user] -= 1
        if not self._held[user]:
            del self._held[user]
        self._serve()

    def _serve(self) -> None:
        passed_over: deque[tuple[Hashable, asyncio.Future[None]]] = deque()
        while self._waiting and self._free:
            user, granted = self._waiting.popleft()
            if granted.done():  # cancelled
                continue
            if self._may_have(user):
                self._give(user)
                granted.set_result(None)
            else:
                passed_over.append((user, granted))
        self._waiting.extendleft(reversed(passed_over))

    def _may_have(self, user: Hashable) -> bool:
        return self._free > 0 and self._held[user] < self._each

    def _give(self, user: Hashable) -> None:
        self._free -= 1
        self._held[user] += 1
