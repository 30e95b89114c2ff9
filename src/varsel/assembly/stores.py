"""How the endpoints reach storage: together where they wait together, and waking the workers of this process."""

import asyncio
import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from varsel.intake.services import FEW_LINES, NotHandedOver
from varsel.model.chains import Chain
from varsel.model.clock import Clock
from varsel.model.orders import Order
from varsel.storage import chains, orders, shipments
from varsel.storage.chains import Key, KnownChain
from varsel.storage.gather import Gatherer
from varsel.storage.orders import OrderState
from varsel.storage.pool import Pool
from varsel.storage.shipments import ShipmentState
from varsel.workers.hints import Hints
from varsel.workers.instant import Dispatched, DispatchInstant

_log = logging.getLogger(__name__)

_FEW: Final = 100
"""Reminders up to which a chain shares its commit with others; with more it would hold them up."""


class Stores:
    """Reads and writes of the endpoints; what waits at the same moment shares a statement and a commit.

    `patience` is how long a caller waits for the outcome of an instant message.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        hints: Hints,
        dispatch: DispatchInstant,
        *,
        batch: int,
        patience: timedelta,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._hints = hints
        self._dispatch = dispatch
        self._patience = patience.total_seconds()
        self._dispatching: set[asyncio.Task[Dispatched | KnownChain]] = set()
        self._orders = Gatherer(self._insert_orders, cap=batch)
        self._chains = Gatherer(self._insert_chains, cap=batch)
        self.read_state = Gatherer(self._read_states, cap=batch)
        self.find_chain = Gatherer(self._find_chains, cap=batch)
        self.read_shipment = Gatherer(self._read_shipments, cap=batch)

    async def store(self, order: Order) -> None:
        """Store an order durably; many parts in a transaction of their own."""
        if len(order.recipients) > 1:
            await orders.insert_large(self._pool, order)
        else:
            await self._orders(order)
        self._wake(order)

    async def store_chain(self, chain: Chain) -> KnownChain | None:
        """Store a chain durably, or return the earlier one with its idempotency id."""
        if len(chain.reminders) > _FEW:
            (known,) = await self._insert_chains([chain])
        else:
            known = await self._chains(chain)
        if known is None:
            self._wake(chain.main)
        return known

    async def dispatch(self, chain: Chain) -> KnownChain | None:
        """Store and hand over an instant chain, or return the earlier one. Raises `NotHandedOver`.

        Once begun the hand-over goes on to its record, whether or not anybody still waits for it: who gives up loses
        the answer, never the knowledge of what was sent.
        """
        task = asyncio.create_task(self._dispatch(chain))
        self._dispatching.add(task)
        task.add_done_callback(self._dispatched)
        await asyncio.wait([task], timeout=self._patience)
        if not task.done():
            raise NotHandedOver(f"the provider has not answered yet about order {chain.main.id}")
        outcome = task.result()
        if isinstance(outcome, KnownChain):
            return outcome
        if outcome is not Dispatched.Accepted:
            raise NotHandedOver(f"the instant message of order {chain.main.id} was not handed over ({outcome.name})")
        return None

    async def settle_down(self, *, within: timedelta) -> None:
        """Wait until the outcomes of instant messages under way are recorded; break off what takes longer.

        What is broken off stays `Sending` until a report or its time decides, and its idempotency id stays held.
        """
        if not self._dispatching:
            return
        _log.info("waiting for the outcomes of %d instant messages", len(self._dispatching))
        _, late = await asyncio.wait(self._dispatching, timeout=within.total_seconds())
        if late:
            _log.warning("%d instant messages were still under way at the end; their outcomes are unknown", len(late))
            for task in late:
                task.cancel()
            await asyncio.wait(late)

    def _dispatched(self, task: asyncio.Task[Dispatched | KnownChain]) -> None:
        self._dispatching.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Told to the caller too, if one still waits. The order stays as it is stored; its deadline decides.
            _log.warning("dispatching an instant message broke off (%s)", type(error).__name__)

    def _wake(self, order: Order) -> None:
        if order.requested_send_time <= self._clock.now():
            conditional = order.condition_endpoint is not None
            self._hints.order_stored(large=len(order.recipients) > 1, conditional=conditional)

    async def _insert_orders(self, batch: list[Order]) -> list[None]:
        await orders.insert_many(self._pool, batch)
        return [None] * len(batch)

    async def _insert_chains(self, batch: list[Chain]) -> list[KnownChain | None]:
        return await chains.insert_many(self._pool, batch)

    async def _read_states(self, asked: list[tuple[UUID, str]]) -> list[OrderState | None]:
        return await orders.statuses(self._pool, asked)

    async def _find_chains(self, asked: list[Key]) -> list[KnownChain | None]:
        return await chains.find(self._pool, asked)

    async def _read_shipments(self, asked: list[tuple[UUID, str]]) -> list[ShipmentState | None]:
        return await shipments.states(self._pool, asked, few=FEW_LINES)
