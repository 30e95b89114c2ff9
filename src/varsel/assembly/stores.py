"""How the endpoints reach storage: together where they wait together, and waking the workers of this process."""

from collections.abc import Sequence
from uuid import UUID

from varsel.intake.services import NotHandedOver
from varsel.model.chains import Chain
from varsel.model.clock import Clock
from varsel.model.orders import Order
from varsel.storage import chains, notifications, orders
from varsel.storage.chains import Key, KnownChain
from varsel.storage.gather import Gatherer
from varsel.storage.notifications import ShippedNotification
from varsel.storage.orders import OrderState
from varsel.storage.pool import Pool
from varsel.workers.hints import Hints
from varsel.workers.instant import Dispatched, DispatchInstant


class Stores:
    """Reads and writes of the endpoints; what waits at the same moment shares a statement and a commit."""

    def __init__(self, pool: Pool, clock: Clock, hints: Hints, dispatch: DispatchInstant, *, batch: int) -> None:
        self._pool = pool
        self._clock = clock
        self._hints = hints
        self._dispatch = dispatch
        self._orders = Gatherer(self._insert_orders, cap=batch)
        self._chains = Gatherer(self._insert_chains, cap=batch)
        self.read_state = Gatherer(self._read_states, cap=batch)
        self.find_chain = Gatherer(self._find_chains, cap=batch)
        self.read_lines = Gatherer(self._read_lines, cap=batch)

    async def store(self, order: Order) -> None:
        """Store an order durably; many parts in a transaction of their own."""
        if len(order.recipients) > 1:
            await orders.insert_large(self._pool, order)
        else:
            await self._orders(order)
        self._wake(order)

    async def store_chain(self, chain: Chain) -> KnownChain | None:
        """Store a chain durably, or return the earlier one with its idempotency id."""
        known = await self._chains(chain)
        if known is None:
            self._wake(chain.main)
        return known

    async def dispatch(self, chain: Chain) -> KnownChain | None:
        """Store and hand over an instant chain, or return the earlier one. Raises `NotHandedOver`."""
        outcome = await self._dispatch(chain)
        if isinstance(outcome, KnownChain):
            return outcome
        if outcome is not Dispatched.HandedOver:
            raise NotHandedOver(f"the instant message of order {chain.main.id} was not handed over ({outcome.name})")
        return None

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

    async def _read_lines(self, asked: list[UUID]) -> list[Sequence[ShippedNotification]]:
        found = await notifications.of_orders(self._pool, list(set(asked)))
        return [found.get(order_id, ()) for order_id in asked]
