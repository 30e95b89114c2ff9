"""What was answered, kept for its age and within a limit of memory.

Answers lie in shelves by the time they were asked for. A shelf goes as a whole when its oldest answer has reached
the age, so that forgetting costs nothing per answer and none is ever used past it.
"""

import sys
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from varsel.model.clock import Clock

_SHELVES_PER_AGE = 8
"""The more shelves, the closer to its age an answer is kept, and the more places there are to look."""
_SHELVES_PER_LIMIT = 8
_PLACE = 50
"""Bytes an answer takes in its dictionary, besides key and value."""
_EMPTY_LANE = 400


@dataclass(slots=True)
class _Shelf:
    began: datetime
    newest: datetime
    lanes: dict[Hashable, dict[str, bytes]] = field(default_factory=dict)
    size: int = 0

    def put(self, lane: Hashable, answers: Iterable[tuple[str, bytes]]) -> None:
        place = self.lanes.get(lane)
        if place is None:
            place = self.lanes[lane] = {}
            self.size += _EMPTY_LANE
        for key, packed in answers:
            place[key] = packed
            self.size += sys.getsizeof(key) + sys.getsizeof(packed) + _PLACE


class Drawer:
    """Answers of one kind. Within it a lane keeps apart what was asked in different ways, such as for two resources."""

    def __init__(self, memory: "Memory", max_age: timedelta) -> None:
        self._memory = memory
        self._max_age = max_age
        self.shelves: list[_Shelf] = []  # by the time they began

    def look(self, lane: Hashable, keys: Iterable[str]) -> tuple[dict[str, bytes], list[str]]:
        """Return what is remembered of `keys`, and those of which nothing is."""
        self._forget_aged()
        places = [place for shelf in reversed(self.shelves) if (place := shelf.lanes.get(lane))]
        if not places:
            return {}, list(keys)
        found: dict[str, bytes] = {}
        missing: list[str] = []
        for key in keys:
            for place in places:
                packed = place.get(key)
                if packed is not None:
                    found[key] = packed
                    break
            else:
                missing.append(key)
        return found, missing

    def keep(self, lane: Hashable, answers: Mapping[str, bytes], asked_at: datetime) -> None:
        """Remember `answers` for the age, counted from when they were asked for."""
        if self._max_age > timedelta(0):
            self._shelf(asked_at).put(lane, answers.items())
            self._memory.make_room()

    def _shelf(self, asked_at: datetime) -> _Shelf:
        """Return a shelf that began no later than `asked_at`; a new one where the newest is full or long enough.

        Answers older than all that are kept come from other processes. They join the oldest shelf, which then goes
        with them, unless that would make it too long.
        """
        before = [shelf for shelf in self.shelves if shelf.began <= asked_at]
        if before and not (before[-1] is self.shelves[-1] and self._is_done(before[-1], asked_at)):
            before[-1].newest = max(before[-1].newest, asked_at)
            return before[-1]
        if not before and self.shelves and not self._is_done(self.shelves[0], self.shelves[0].newest, since=asked_at):
            self.shelves[0].began = asked_at
            return self.shelves[0]
        shelf = _Shelf(asked_at, asked_at)
        self.shelves.insert(len(before), shelf)
        return shelf

    def _is_done(self, shelf: _Shelf, newest: datetime, since: datetime | None = None) -> bool:
        """Tell whether a shelf is full, or would be long enough with answers of that time, and `since` that time."""
        long_enough = newest - (since or shelf.began) >= self._max_age / _SHELVES_PER_AGE
        return long_enough or shelf.size * _SHELVES_PER_LIMIT >= self._memory.limit

    def _forget_aged(self) -> None:
        """Drop shelves that are too old, or that began in the future, since the clock was set back."""
        now = self._memory.clock.now()
        if any(not shelf.began <= now < shelf.began + self._max_age for shelf in self.shelves):
            self.shelves = [s for s in self.shelves if s.began <= now < s.began + self._max_age]


class Memory:
    """All drawers together, within `limit` bytes: when it is passed, the oldest shelves go."""

    def __init__(self, clock: Clock, *, limit: int) -> None:
        self.clock = clock
        self.limit = limit
        self._drawers: list[Drawer] = []

    def drawer(self, max_age: timedelta) -> Drawer:
        """Make a drawer whose answers are kept for `max_age`; zero keeps none."""
        drawer = Drawer(self, max_age)
        self._drawers.append(drawer)
        return drawer

    @property
    def size(self) -> int:
        """Bytes held, as estimated."""
        return sum(shelf.size for drawer in self._drawers for shelf in drawer.shelves)

    def make_room(self) -> None:
        """Drop the oldest shelves until the rest fits."""
        while self.size > self.limit:
            oldest = min((d for d in self._drawers if d.shelves), key=lambda drawer: drawer.shelves[0].began)
            del oldest.shelves[0]
