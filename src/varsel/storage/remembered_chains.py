"""Chains that this process stored or met lately, so that a request that comes again costs no look into the database.

What is remembered never changes: a chain keeps its id and its orders for as long as it is there. Only chains that
nobody lets go of early may be kept, so none of the instant family.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from varsel.model.clock import Clock
from varsel.storage.chains import Key, KnownChain

_CAPACITY: Final = 10_000
_AGE: Final = timedelta(hours=1)
"""Far less than any chain is kept; callers who try again do so within minutes."""
_MOST_REMINDERS: Final = 20


class RememberedChains:
    """The most recently kept chains, in memory only. That a chain is unknown is never remembered."""

    def __init__(self, clock: Clock, capacity: int = _CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._entries: OrderedDict[Key, tuple[datetime, KnownChain]] = OrderedDict()

    def recall(self, key: Key) -> KnownChain | None:
        """Return the chain with this key, if it was kept within the last hour."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        since, known = entry
        if since <= self._clock.now() < since + _AGE:
            return known
        del self._entries[key]
        return None

    def keep(self, key: Key, known: KnownChain) -> None:
        """Remember a chain that is committed, unless it is large."""
        if len(known.placed.reminders) > _MOST_REMINDERS:
            return
        self._entries[key] = self._clock.now(), known
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
