"""Processing due orders without a send condition: claim them, expand them part by part (processing.md 1.5 to 1.9).

Small ones are taken together, large ones one by one. Orders that need nobody looked up are stored before the next are
claimed; the others of a claim go on as a group of their own, so that a slow directory holds up nobody but those who
need it. Look-ups of all groups share batches. `conditional_orders` has the orders that carry a condition.
"""

import asyncio
import logging
from collections.abc import Sequence

from varsel.model.clock import Clock
from varsel.storage import orders
from varsel.storage.orders import ClaimedOrder, Queue
from varsel.storage.pool import Pool
from varsel.workers.expand_orders import ExpandOrders, ProcessOptions, UnexpandedPart
from varsel.workers.lease import kept_alive
from varsel.workers.loop import Hint

_log = logging.getLogger(__name__)

_CLAIMS_AT_ONCE = 4
"""As many claims' worth of orders may wait for directories in this process; it bounds memory."""


class ProcessOrders:
    """Takes the due orders of one queue through their expansion. `room` is nudged when more can be taken up."""

    def __init__(
        self, queue: Queue, pool: Pool, expand: ExpandOrders, clock: Clock, room: Hint, options: ProcessOptions
    ) -> None:
        self._queue = queue
        self._pool = pool
        self._expand = expand
        self._clock = clock
        self._room = room
        self._options = options
        self._at_once = 1 if queue is Queue.Large else options.orders_at_once
        self._groups: dict[asyncio.Task[None], int] = {}

    async def run_once(self) -> bool:
        """Take up one set of due orders, without waiting for directories; True when there may be more."""
        if not self._has_room():
            return False
        claimed = await self._claim()
        if claimed:
            async with kept_alive(lambda: self._renew(claimed), every=self._options.lease / 3):
                await self._take_up(claimed)
        return bool(claimed)

    async def settle_down(self) -> None:
        """Wait until nothing is under way."""
        while self._groups:
            await asyncio.wait(self._groups)

    async def stop(self) -> None:
        """Finish what is under way; nothing new is taken up, for whoever calls this runs the worker no more."""
        await self.settle_down()

    @property
    def is_full(self) -> bool:
        """Whether nothing can be taken up before something has ended."""
        return not self._has_room()

    def _has_room(self) -> bool:
        return sum(self._groups.values()) <= self._at_once * (_CLAIMS_AT_ONCE - 1)

    async def _claim(self) -> list[ClaimedOrder]:
        return await orders.claim_due(
            self._pool,
            self._queue,
            now=self._clock.now(),
            lease=self._options.lease,
            look_ahead=self._options.look_ahead,
            limit=self._at_once,
        )

    async def _take_up(self, held: Sequence[ClaimedOrder]) -> None:
        """Expand orders for as long as nobody must be asked about them; leave the others to a group."""
        while held:
            parts = await self._expand.read(held)
            asking = {part.order.id for part in parts if part.asks}
            if asking:
                self._start([part for part in parts if part.order.id in asking])
            held = await self._expand.expand([part for part in parts if part.order.id not in asking])

    def _start(self, parts: Sequence[UnexpandedPart]) -> None:
        group = asyncio.create_task(self._carry(parts))
        self._groups[group] = len({part.order.id for part in parts})
        group.add_done_callback(self._ended)

    def _ended(self, group: asyncio.Task[None]) -> None:
        had_room = self._has_room()
        del self._groups[group]
        if not had_room:
            self._room.give()
        if not group.cancelled() and (error := group.exception()) is not None:
            # Their leases run out and the orders are taken again; nothing is lost.
            _log.error("processing orders broke off", exc_info=error)

    async def _carry(self, parts: Sequence[UnexpandedPart]) -> None:
        """Take the orders of these parts to their end."""
        held = list({part.order.id: part.order for part in parts}.values())
        async with kept_alive(lambda: self._renew(held), every=self._options.lease / 3):
            held = await self._expand.expand(parts)
            while held:
                held = await self._expand.next_parts(held)

    async def _renew(self, claimed: Sequence[ClaimedOrder]) -> None:
        await orders.renew(self._pool, claimed, lease_until=self._clock.now() + self._options.lease)
