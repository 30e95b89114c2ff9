"""A number of places that several parties share, so that no party can take them all.

A party may take another place while it holds fewer than `SHARE` times the free ones. Alone it gets three quarters;
`n` parties that want as many as they can get end with `SHARE / (1 + n * SHARE)` of the places each, and some stay free
for the next one. This is the dynamic threshold of Choudhury and Hahne ("Dynamic queue length thresholds for
shared-memory packet switches", 1998).
"""

import asyncio
from collections import Counter, deque
from collections.abc import Hashable

SHARE = 3
"""Places that a party may hold for each free one."""


def may_take(held: int, free: int) -> bool:
    """Tell whether a party that holds `held` places may take one of the `free` ones."""
    return held < SHARE * free


class SharedPlaces:
    """Gives places to whoever holds the fewest. The party None stands for nobody in particular and has no limit."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._held = Counter[Hashable]()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    async def take(self, party: Hashable = None) -> None:
        """Wait for a place; `give_back` must follow."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(party, deque()).append(place)
        self._hand_out()
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._leave(party, place)
            else:  # it was given in the same moment
                self.give_back(party)
            raise

    def give_back(self, party: Hashable = None) -> None:
        """Free a place that `party` took."""
        self._free += 1
        self._held[party] -= 1
        if not self._held[party]:
            del self._held[party]
        self._hand_out()

    def _hand_out(self) -> None:
        while self._free and (eligible := [party for party in self._waiting if self._may_take(party)]):
            # `min` keeps the order of arrival among parties that hold equally many.
            party = min(eligible, key=lambda each: self._held[each])
            place = self._waiting[party][0]
            self._leave(party, place)
            if place.cancelled():  # its task has not noticed yet
                continue
            self._free -= 1
            self._held[party] += 1
            place.set_result(None)

    def _may_take(self, party: Hashable) -> bool:
        return party is None or may_take(self._held[party], self._free)

    def _leave(self, party: Hashable, place: asyncio.Future[None]) -> None:
        queue = self._waiting.get(party)
        if queue is None or place not in queue:
            return
        queue.remove(place)
        if not queue:
            del self._waiting[party]
