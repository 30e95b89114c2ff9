"""Numbering the status feed: entries get their numbers in the order in which readers will see them (design.md 2.7).

Each set is bounded in entries and in size: one that outgrew a statement's time would come back for ever, and stop the
feed for everybody.
"""

from varsel.storage import feed
from varsel.storage.pool import Pool
from varsel.storage.transactions import in_transaction

_AT_ONCE = 1_000
_BYTES_AT_ONCE = 2_000_000
"""As much as a page of the feed: entries of a few orders with hundreds of thousands of recipients."""


class NumberFeed:
    """Gives numbers to entries of orders that have ended. Any number of processes may do so; one at a time does."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def run_once(self) -> bool:
        """Number one set of entries; True when there may be more."""
        numbered = await in_transaction(
            self._pool, lambda connection: feed.number(connection, at_most=_AT_ONCE, at_most_bytes=_BYTES_AT_ONCE)
        )
        return numbered > 0
