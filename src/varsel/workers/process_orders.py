"""Processing due orders: claim, ask the condition, expand part by part into notifications (processing.md 1.5 to 1.9).

An order of one part and an order of a thousand walk the same path; the large one walks its middle a thousand times.
What a part yields is stored in the transaction that moves the order on, so a crash repeats nothing and skips nothing.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

from varsel.contacts.ask import ask
from varsel.contacts.protocol import Directory
from varsel.errors import DependencyFailure
from varsel.model.clock import Clock
from varsel.model.ids import new_id, new_ids
from varsel.model.lanes import Lane, lane_of
from varsel.model.notifications import PlannedNotification
from varsel.model.orders import RECIPIENTS_PER_PART, OrderStatus
from varsel.model.results import Channel, Stage
from varsel.notifications.plan import plan
from varsel.notifications.render import customise, parties
from varsel.recipients.questions import questions
from varsel.recipients.resolve import resolve
from varsel.schedule import DaytimeWindow, doubling_pause, expiry
from varsel.storage import chunks, finals, notifications, orders
from varsel.storage.chunks import NewChunk
from varsel.storage.notifications import NewRow
from varsel.storage.orders import Advance, ClaimedOrder, OrderPart
from varsel.storage.pool import Connection, Pool
from varsel.storage.transactions import in_transaction
from varsel.workers.hints import Hints
from varsel.workers.lease import kept_alive

_log = logging.getLogger(__name__)


class Verdict(Enum):
    """What asking a send condition came to."""

    Met = auto()
    NotMet = auto()
    Undecided = auto()


CheckCondition = Callable[[ClaimedOrder], Awaitable[Verdict]]

_NO_ANSWER = "the send condition could not be decided"


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """What an operator may set about processing."""

    lease: timedelta
    look_ahead: timedelta
    orders_at_once: int
    parts_at_once: int
    """Parts of a large order expanded in one transaction."""
    chunk_size: int
    retry_first: timedelta
    retry_longest: timedelta
    grace: timedelta
    window: DaytimeWindow
    lifetime: timedelta
    placeholder_fallback: str | None


@dataclass(frozen=True, slots=True)
class ExpandedPart:
    """One part of an order with the notifications it yields."""

    order: ClaimedOrder
    part: int
    planned: Sequence[PlannedNotification]


@dataclass(frozen=True, slots=True)
class _Trouble:
    """An order that cannot be expanded now, and why (no personal data)."""

    order: ClaimedOrder
    reason: str


class ProcessOrders:
    """Turns due orders into notifications waiting to be sent."""

    def __init__(
        self,
        pool: Pool,
        directory: Directory,
        check_condition: CheckCondition,
        clock: Clock,
        hints: Hints,
        options: ProcessOptions,
        *,
        large: bool,
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._check_condition = check_condition
        self._clock = clock
        self._hints = hints
        self._options = options
        self._large = large

    async def run_once(self) -> bool:
        """Process one set of due orders; True when there may be more."""
        claimed = await self._claim()
        if claimed:
            async with kept_alive(lambda: self._renew(claimed), every=self._options.lease / 3):
                held = await self._meeting_their_condition(claimed)
                while held:
                    held = await self._expand_next_parts(held)
        return bool(claimed)

    async def _claim(self) -> list[ClaimedOrder]:
        return await orders.claim_due(
            self._pool,
            now=self._clock.now(),
            lease=self._options.lease,
            look_ahead=self._options.look_ahead,
            limit=1 if self._large else self._options.orders_at_once,
            large=self._large,
        )

    async def _renew(self, claimed: Sequence[ClaimedOrder]) -> None:
        await orders.renew(self._pool, claimed, lease_until=self._clock.now() + self._options.lease)

    async def _meeting_their_condition(self, claimed: Sequence[ClaimedOrder]) -> list[ClaimedOrder]:
        """Return the orders that may go on; the condition is asked once, before the first part."""
        asked = [order for order in claimed if order.condition_endpoint and order.parts_done == 0]
        verdicts = await asyncio.gather(*(self._ask_condition(order) for order in asked))
        stopped = set[UUID]()
        for order, verdict in zip(asked, verdicts, strict=True):
            if verdict is Verdict.NotMet:
                await self._stop(order)
            if verdict is Verdict.Undecided:
                await self._postpone([order], _NO_ANSWER)
            if verdict is not Verdict.Met:
                stopped.add(order.id)
        return [order for order in claimed if order.id not in stopped]

    async def _ask_condition(self, order: ClaimedOrder) -> Verdict:
        try:
            return await self._check_condition(order)
        except Exception:  # noqa: BLE001 - one order's trouble must not hold up the others of its claim
            _log.exception("asking the send condition of order %s failed", order.id)
            return Verdict.Undecided

    async def _stop(self, order: ClaimedOrder) -> None:
        now = self._clock.now()
        await in_transaction(self._pool, lambda connection: orders.stop(connection, order, now=now))

    async def _expand_next_parts(self, held: Sequence[ClaimedOrder]) -> list[ClaimedOrder]:
        """Expand the next parts of these orders; return those that have parts left."""
        parts = await orders.next_parts(self._pool, held, at_most=self._options.parts_at_once)
        by_id = {order.id: order for order in held}
        expanded = await self._expanded([(by_id[part.order_id], part) for part in parts])
        advances = _advances(expanded)
        stored = await self._store(expanded, advances)
        return [
            replace(by_id[step.order_id], parts_done=step.parts_done)
            for step in advances
            if step.order_id in stored and step.parts_done < by_id[step.order_id].part_count
        ]

    async def _expanded(self, parts: Sequence[tuple[ClaimedOrder, OrderPart]]) -> list[ExpandedPart]:
        """Expand parts side by side. An order that cannot be expanded now is put off, the others go on."""
        outcomes = await asyncio.gather(*(self._try_expand(order, part) for order, part in parts))
        troubled = {outcome.order.id: outcome for outcome in outcomes if isinstance(outcome, _Trouble)}
        for trouble in troubled.values():
            await self._postpone([trouble.order], trouble.reason)
        return [o for o in outcomes if isinstance(o, ExpandedPart) and o.order.id not in troubled]

    async def _try_expand(self, order: ClaimedOrder, part: OrderPart) -> "ExpandedPart | _Trouble":
        try:
            return await self._expand(order, part)
        except DependencyFailure as failure:
            return _Trouble(order, str(failure))
        except Exception as error:  # noqa: BLE001 - one order's trouble must not hold up the others of its claim
            _log.exception("expanding order %s failed", order.id)
            return _Trouble(order, f"{type(error).__name__} while expanding it; the log says more")

    async def _expand(self, order: ClaimedOrder, part: OrderPart) -> ExpandedPart:
        """Ask, resolve, plan and fill in the placeholders of one part."""
        wanted = questions(
            part.recipients,
            order.channel,
            use_stale=order.use_stale_contacts,
            resource_id=order.resource_id,
            resource_action=order.resource_action,
        )
        answers = await ask(self._directory, wanted)
        resolved = resolve(
            part.recipients,
            order.channel,
            answers,
            offset=part.part * RECIPIENTS_PER_PART,
            superseded=part.superseded,
        )
        planned = plan(resolved, order.channel, part.texts, ignore_reservation=order.ignore_reservation)
        return ExpandedPart(order, part.part, await self._with_names(planned, part))

    async def _with_names(self, planned: list[PlannedNotification], part: OrderPart) -> list[PlannedNotification]:
        wanted = parties(planned, part.texts)
        names = (
            await self._directory.names(
                organization_numbers=wanted.organization_numbers,
                national_identity_numbers=wanted.national_identity_numbers,
            )
            if any(wanted)
            else {}
        )
        return customise(planned, part.texts, names, fallback=self._options.placeholder_fallback)

    async def _store(self, expanded: Sequence[ExpandedPart], advances: Sequence[Advance]) -> set[UUID]:
        """Store notifications and chunks and move the orders on, all in one transaction; return the orders held."""
        if not advances:
            return set()
        now = self._clock.now()

        async def work(connection: Connection) -> tuple[dict[UUID, OrderStatus], list[NewChunk]]:
            held = await orders.advance(connection, advances, now=now, lease=self._options.lease)
            rows, new_chunks = self._laid_out([part for part in expanded if part.order.id in held], now)
            await notifications.insert_many(connection, rows)
            await chunks.insert_many(connection, new_chunks)
            await finals.record(connection, [id_ for id_, status in held.items() if status is OrderStatus.Completed])
            return held, new_chunks

        held, new_chunks = await in_transaction(self._pool, work)
        self._hints.chunks_stored({chunk.lane for chunk in new_chunks})
        return set(held)

    def _laid_out(self, parts: Sequence[ExpandedPart], now: datetime) -> tuple[list[NewRow], list[NewChunk]]:
        """Give every notification its row, and those to be sent their place in a chunk of their lane."""
        ids = new_ids(sum(len(part.planned) for part in parts))
        layout = _Layout(iter(ids), now, self._options.chunk_size, self._options.grace)
        for part in parts:
            order = part.order
            expiries = {
                channel: expiry(
                    channel,
                    order.sending_time_policy,
                    order.requested_send_time,
                    self._options.window,
                    self._options.lifetime,
                )
                for channel in Channel
            }
            lanes = {channel: lane_of(channel, order.type, order.sending_time_policy) for channel in Channel}
            for notification in part.planned:
                channel = notification.channel
                layout.add(order.id, notification, lanes[channel], expiries[channel])
        return layout.rows, layout.closed()

    async def _postpone(self, held: Sequence[ClaimedOrder], trouble: str) -> None:
        jitter = random.random()  # noqa: S311 - spreads retries; nobody gains by guessing it
        failures = max(order.failures for order in held) + 1
        pause = doubling_pause(failures, self._options.retry_first, self._options.retry_longest, jitter)
        _log.warning("%d orders are put off by %s: %s", len(held), pause, trouble)
        await orders.postpone(self._pool, held, until=self._clock.now() + pause, trouble=trouble)


def _advances(expanded: Sequence[ExpandedPart]) -> list[Advance]:
    """Add up what the parts of each order bring, and how far they take it."""
    by_order: dict[UUID, list[ExpandedPart]] = {}
    for part in expanded:
        by_order.setdefault(part.order.id, []).append(part)
    return [_advance(parts) for _, parts in sorted(by_order.items())]


def _advance(parts: Sequence[ExpandedPart]) -> Advance:
    planned = [notification for part in parts for notification in part.planned]
    emails = sum(notification.channel is Channel.Email for notification in planned)
    pending = sum(notification.result.facts.stage is Stage.New for notification in planned)
    order = parts[0].order
    return Advance(order.id, order.attempt, parts[-1].part + 1, emails, len(planned) - emails, pending)


class _OpenChunk:
    """A chunk being filled; ids are minted in rising order, so the first and last row bound it."""

    __slots__ = ("deadline", "first_id", "id", "last_id", "size")

    def __init__(self, first_id: UUID, deadline: datetime) -> None:
        self.id = new_id()
        self.first_id = self.last_id = first_id
        self.deadline = deadline
        self.size = 0

    def add(self, row_id: UUID, deadline: datetime) -> None:
        self.last_id = row_id
        self.deadline = min(self.deadline, deadline)
        self.size += 1


class _Layout:
    """Rows and chunks in the making: each lane fills its open chunk, then begins another."""

    def __init__(self, ids: Iterator[UUID], now: datetime, chunk_size: int, grace: timedelta) -> None:
        self._ids = ids
        self.rows: list[NewRow] = []
        self._now = now
        self._chunk_size = chunk_size
        self._grace = grace
        self._open: dict[Lane, _OpenChunk] = {}
        self._closed: list[NewChunk] = []

    def add(self, order_id: UUID, notification: PlannedNotification, lane: Lane, expires: datetime) -> None:
        row_id = next(self._ids)
        sendable = notification.result.facts.stage is Stage.New
        self.rows.append(
            (
                row_id,
                order_id,
                self._place(lane, row_id, expires) if sendable else None,
                notification.channel,
                notification.result,
                self._now,
                expires,
                notification.address,
                notification.national_identity_number,
                notification.organization_number,
                notification.subject,
                notification.body,
            )
        )

    def _place(self, lane: Lane, row_id: UUID, expires: datetime) -> UUID:
        deadline = expires + self._grace
        chunk = self._open.get(lane)
        if chunk is None:
            chunk = self._open[lane] = _OpenChunk(row_id, deadline)
        chunk.add(row_id, deadline)
        if chunk.size == self._chunk_size:
            self._close(lane)
        return chunk.id

    def _close(self, lane: Lane) -> None:
        chunk = self._open.pop(lane)
        self._closed.append(
            NewChunk(chunk.id, lane, chunk.first_id, chunk.last_id, chunk.size, self._now, chunk.deadline)
        )

    def closed(self) -> list[NewChunk]:
        """Close what is open and return all chunks."""
        for lane in list(self._open):
            self._close(lane)
        return self._closed
