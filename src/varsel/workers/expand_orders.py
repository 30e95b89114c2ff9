"""Expanding leased orders part by part into notifications (processing.md 1.6, 1.8, 1.9).

An order of one part and an order of a thousand walk the same path; the large one walks it a thousand times. What a
part yields is stored in the transaction that moves the order on, so a crash repeats nothing and skips nothing.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from varsel.contacts.ask import ask
from varsel.contacts.protocol import Directory
from varsel.errors import DependencyFailure
from varsel.mechanisms.log_fields import add_log_fields
from varsel.model.clock import Clock
from varsel.model.contacts import PartyName
from varsel.model.ids import new_ids
from varsel.model.lanes import lane_of
from varsel.model.notifications import PlannedNotification
from varsel.model.orders import RECIPIENTS_PER_PART, OrderStatus
from varsel.model.recipients import Answers, Questions
from varsel.model.results import Channel, Stage
from varsel.notifications.plan import plan
from varsel.notifications.render import customise, parties
from varsel.notifications.sms_parts import kept_parts
from varsel.recipients.questions import questions
from varsel.recipients.resolve import resolve
from varsel.schedule import DaytimeWindow, doubling_pause, expiry
from varsel.storage import chunks, finals, notifications, orders
from varsel.storage.chunks import NewChunk
from varsel.storage.notifications import NewRow
from varsel.storage.orders import Advance, ClaimedOrder, Delay, OrderPart
from varsel.storage.pool import Connection, Pool
from varsel.storage.transactions import in_transaction
from varsel.workers.hints import Hints
from varsel.workers.layout import Layout

_log = logging.getLogger(__name__)

_STORED_AT_ONCE = 4
"""Transactions that store what was expanded, however many groups of orders are ready: the others need the pool too."""


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
    escape_names: bool = False
    """Whether names of directories are inserted into HTML as text."""


@dataclass(frozen=True, slots=True)
class UnexpandedPart:
    """One part of an order, with what directories must be asked before it can be expanded."""

    order: ClaimedOrder
    part: OrderPart
    wanted: Questions

    @property
    def asks(self) -> bool:
        """Tell whether it may have to wait for a directory: for addresses, or for names of whom it identifies."""
        identified = (r.national_identity_number or r.organization_number for r in self.part.recipients)
        return bool(self.wanted) or any(identified)


@dataclass(frozen=True, slots=True)
class ExpandedPart:
    """One part of an order with the notifications it yields."""

    order: ClaimedOrder
    part: int
    planned: Sequence[PlannedNotification]
    segments: int | None
    """Of the order's own SMS text, if it has one."""
    given_up: str | None = None
    """Why whoever had to be looked up goes without addresses, where directories failed until it was too late."""


@dataclass(frozen=True, slots=True)
class _Trouble:
    """An order that cannot be expanded now, and why (no personal data)."""

    order: ClaimedOrder
    reason: str


class ExpandOrders:
    """Turns orders under lease into notifications waiting to be sent."""

    def __init__(self, pool: Pool, directory: Directory, clock: Clock, hints: Hints, options: ProcessOptions) -> None:
        self._pool = pool
        self._directory = directory
        self._clock = clock
        self._hints = hints
        self._options = options
        self._storing = asyncio.Semaphore(_STORED_AT_ONCE)

    async def next_parts(self, held: Sequence[ClaimedOrder]) -> list[ClaimedOrder]:
        """Expand the next parts of these orders; return those that have parts left and are still held."""
        return await self.expand(await self.read(held))

    async def read(self, held: Sequence[ClaimedOrder]) -> list[UnexpandedPart]:
        """Read the next parts of these orders."""
        parts = await orders.next_parts(self._pool, held, at_most=self._options.parts_at_once)
        by_id = {order.id: order for order in held}
        return [_unexpanded(by_id[part.order_id], part) for part in parts]

    async def expand(self, parts: Sequence[UnexpandedPart]) -> list[ClaimedOrder]:
        """Expand parts that were read; return the orders that have parts left and are still held."""
        by_id = {part.order.id: part.order for part in parts}
        expanded = await self._expanded(parts)
        advances = _advances(expanded)
        async with self._storing:
            stored = await self._store(expanded, advances)
        return [
            replace(by_id[step.order_id], parts_done=step.parts_done)
            for step in advances
            if step.order_id in stored and step.parts_done < by_id[step.order_id].part_count
        ]

    async def _expanded(self, parts: Sequence[UnexpandedPart]) -> list[ExpandedPart]:
        """Expand parts side by side. An order that cannot be expanded now is put off, the others go on.

        One whose notifications would have expired already is not put off any more: it ends.
        """
        outcomes = await asyncio.gather(*(self._try_expand(part) for part in parts))
        troubled = {outcome.order.id: outcome for outcome in outcomes if isinstance(outcome, _Trouble)}
        await self._postpone(list(troubled.values()))
        expanded = [o for o in outcomes if isinstance(o, ExpandedPart) and o.order.id not in troubled]
        for reason, number in Counter(part.given_up for part in expanded if part.given_up is not None).items():
            _log.warning("%d parts of orders end without addresses, too late to try again: %s", number, reason)
        return expanded

    async def _try_expand(self, read: UnexpandedPart) -> "ExpandedPart | _Trouble":
        add_log_fields(**read.order.log_fields)
        try:
            return await self._expand(read)
        except DependencyFailure as failure:
            trouble = str(failure)
        except Exception as error:  # noqa: BLE001 - one order's trouble must not hold up the others of its claim
            _log.exception("expanding order %s failed", read.order.id)
            trouble = f"{type(error).__name__} while expanding it; the log says more"
        return self._given_up(read, trouble) or _Trouble(read.order, trouble)

    def _given_up(self, read: UnexpandedPart, trouble: str) -> ExpandedPart | None:
        """Expand without any answers what would have expired already; None where there is time to try again."""
        if self._clock.now() < max(self._expiries(read.order).values()):
            return None
        try:
            planned = _planned(read, Answers(trouble=trouble))
            named = self._customised(planned, read.part, {})
            return ExpandedPart(read.order, read.part.part, named, _segments(read.part), given_up=trouble)
        except Exception:  # noqa: BLE001 - no directory is in its way, but something of ours, which has been logged
            return None

    async def _expand(self, read: UnexpandedPart) -> ExpandedPart:
        """Ask, resolve, plan and fill in the placeholders of one part."""
        planned = _planned(read, await ask(self._directory, read.wanted))
        named = await self._with_names(planned, read.part)
        return ExpandedPart(read.order, read.part.part, named, _segments(read.part))

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
        return self._customised(planned, part, names)

    def _customised(
        self, planned: list[PlannedNotification], part: OrderPart, names: Mapping[str, PartyName]
    ) -> list[PlannedNotification]:
        options = self._options
        return customise(
            planned, part.texts, names, fallback=options.placeholder_fallback, escape_names=options.escape_names
        )

    async def _store(self, expanded: Sequence[ExpandedPart], advances: Sequence[Advance]) -> set[UUID]:
        """Store notifications and chunks and move the orders on, all in one transaction; return the orders held."""
        if not advances:
            return set()
        now = self._clock.now()
        sizes = {part.order.id: part.order.part_count * RECIPIENTS_PER_PART for part in expanded}

        async def work(connection: Connection) -> tuple[dict[UUID, OrderStatus], list[NewChunk]]:
            held = await orders.advance(connection, advances, now=now, lease=self._options.lease)
            rows, new_chunks = self._laid_out([part for part in expanded if part.order.id in held], now)
            await notifications.insert_many(connection, rows)
            await chunks.insert_many(connection, new_chunks)
            ended = [order_id for order_id, status in held.items() if status is OrderStatus.Completed]
            await finals.record(connection, ended, notifications=sum(sizes[order_id] for order_id in ended))
            return held, new_chunks

        held, new_chunks = await in_transaction(self._pool, work)
        self._hints.chunks_stored({chunk.lane for chunk in new_chunks})
        return set(held)

    def _laid_out(self, parts: Sequence[ExpandedPart], now: datetime) -> tuple[list[NewRow], list[NewChunk]]:
        """Give every notification its row, and those to be sent their place in a chunk of their lane."""
        ids = new_ids(sum(len(part.planned) for part in parts))
        layout = Layout(iter(ids), now, self._options.chunk_size, self._options.grace)
        for part in parts:
            order = part.order
            expiries = self._expiries(order)
            lanes = {channel: lane_of(channel, order.type, order.sending_time_policy) for channel in Channel}
            for notification in part.planned:
                channel = notification.channel
                layout.add(order.id, notification, lanes[channel], expiries[channel], part.segments)
        return layout.rows, layout.closed()

    def _expiries(self, order: ClaimedOrder) -> dict[Channel, datetime]:
        policy, due = order.sending_time_policy, order.requested_send_time
        window, lifetime = self._options.window, self._options.lifetime
        return {channel: expiry(channel, policy, due, window, lifetime) for channel in Channel}

    async def _postpone(self, troubled: Sequence[_Trouble]) -> None:
        """Put orders off in one statement, each by its own pause, and say so once for each reason."""
        if not troubled:
            return
        for reason, number in Counter(trouble.reason for trouble in troubled).items():
            _log.warning("%d orders are put off: %s", number, reason)
        now = self._clock.now()
        await orders.postpone(self._pool, [Delay(t.order, now + self._pause(t.order), t.reason) for t in troubled])

    def _pause(self, order: ClaimedOrder) -> timedelta:
        jitter = random.random()  # noqa: S311 - spreads retries; nobody gains by guessing it
        return doubling_pause(order.failures + 1, self._options.retry_first, self._options.retry_longest, jitter)


def _unexpanded(order: ClaimedOrder, part: OrderPart) -> UnexpandedPart:
    wanted = questions(
        part.recipients,
        order.channel,
        use_stale=order.use_stale_contacts,
        resource_id=order.resource_id,
        resource_action=order.resource_action,
    )
    return UnexpandedPart(order, part, wanted)


def _planned(read: UnexpandedPart, answers: Answers) -> list[PlannedNotification]:
    order, part = read.order, read.part
    offset = part.part * RECIPIENTS_PER_PART
    resolved = resolve(part.recipients, order.channel, answers, offset=offset, superseded=part.superseded)
    return plan(resolved, order.channel, part.texts, ignore_reservation=order.ignore_reservation)


def _segments(part: OrderPart) -> int | None:
    return kept_parts(part.texts.sms.body) if part.texts.sms else None


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
