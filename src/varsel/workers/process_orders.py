"""Processing due orders without a send condition: claim them, expand them part by part (processing.md 1.5 to 1.9).

Small ones are taken together, large ones one by one. `conditional_orders` has those that carry a condition.
"""

from collections.abc import Sequence

from varsel.model.clock import Clock
from varsel.storage import orders
from varsel.storage.orders import ClaimedOrder, Queue
from varsel.storage.pool import Pool
from varsel.workers.expand_orders import ExpandOrders, ProcessOptions
from varsel.workers.lease import kept_alive


class ProcessOrders:
    """Takes the due orders of one queue through their expansion."""

    def __init__(self, queue: Queue, pool: Pool, expand: ExpandOrders, clock: Clock, options: ProcessOptions) -> None:
        self._queue = queue
        self._pool = pool
        self._expand = expand
        self._clock = clock
        self._options = options

    async def run_once(self) -> bool:
        """Process one set of due orders; True when there may be more."""
        claimed = await self._claim()
        if claimed:
            async with kept_alive(lambda: self._renew(claimed), every=self._options.lease / 3):
                held = claimed
                while held:
                    held = await self._expand.next_parts(held)
        return bool(claimed)

    async def _claim(self) -> list[ClaimedOrder]:
        return await orders.claim_due(
            self._pool,
            self._queue,
            now=self._clock.now(),
            lease=self._options.lease,
            look_ahead=self._options.look_ahead,
            limit=1 if self._queue is Queue.Large else self._options.orders_at_once,
        )

    async def _renew(self, claimed: Sequence[ClaimedOrder]) -> None:
        await orders.renew(self._pool, claimed, lease_until=self._clock.now() + self._options.lease)
