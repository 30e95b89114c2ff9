"""Sending: lease chunks, store the intent, call the provider, record what it said.

The three beats (docs/architecture.md): no transaction is open while a provider is called, and a result is recorded
whatever became of the lease, because what the provider said stays true.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from varsel import delivery
from varsel.channels.protocol import Accepted, EmailMessage, Outcome, Provider, Settled, SmsMessage, Transient, Unknown
from varsel.model.clock import Clock
from varsel.model.ids import new_id
from varsel.model.lanes import Lane
from varsel.model.orders import OrderTexts
from varsel.model.results import DELIVERED, FAILED, FAILED_TTL, HANDED_OVER, NEW, Result, Stage
from varsel.schedule import stepped_pause
from varsel.storage import chunks, notifications, reports
from varsel.storage.chunks import LeasedChunk, NewChunk
from varsel.storage.notifications import Settlement, Step, Unsent
from varsel.storage.pool import Connection, Pool
from varsel.storage.transactions import persistently
from varsel.workers.bundle import Bundle
from varsel.workers.hints import Hints
from varsel.workers.lease import kept_alive

_log = logging.getLogger(__name__)

Message = TypeVar("Message", EmailMessage, SmsMessage)

Compose = Callable[[Unsent, OrderTexts, int], Message]
"""Makes the provider's message of a notification, its order's texts and the number of this attempt."""

IsOpen = Callable[[datetime], bool]
"""Tells whether a lane may send at this instant."""

_MOST_LOST = 5
"""Attempts after which a message whose outcome was lost is not sent again: whatever loses it is likely to go on."""

_LOST = "The outcome of an earlier attempt was lost; it may have been sent before."
_PAUSED = "provider asked for rest"


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What an operator may set about sending."""

    lease: timedelta
    bundle_size: int
    """Notifications taken together, at most."""
    concurrency: int
    """Bundles under way at once in this process."""
    retry_delays: tuple[timedelta, ...]
    pause: timedelta
    """Rest of a lane when its provider names no time of its own."""
    grace: timedelta
    """Time after expiry before a notification without a final report ends as Failed_TTL."""
    assume_delivered_after: timedelta | None
    """For providers without reports: when a hand-over without bad news counts as delivered. None: never."""
    resend_unknown: bool
    """Whether a notification whose outcome was lost is sent again (possibly twice) or ends as Failed."""


class SendLane(Generic[Message]):
    """Sends what waits in one lane through one provider."""

    def __init__(
        self,
        lane: Lane,
        provider: Provider[Message],
        compose: Compose[Message],
        pool: Pool,
        clock: Clock,
        hints: Hints,
        options: SendOptions,
        is_open: IsOpen = lambda _: True,
    ) -> None:
        self._lane = lane
        self._provider: Provider[Message] = provider
        self._compose: Compose[Message] = compose
        self._pool = pool
        self._clock = clock
        self._hints = hints
        self._options = options
        self._is_open = is_open
        self._texts: dict[UUID, OrderTexts] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def run_once(self) -> bool:
        """Take a bundle of what waits and start sending it; True when there may be more to take at once."""
        await self._free_place()
        now = self._clock.now()
        if self._stopping or not self._is_open(now):
            return False
        claimed = await self._claim(now)
        if claimed:
            self._start(claimed)
        return bool(claimed)

    async def settle_down(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    async def stop(self) -> None:
        """Take nothing new, finish the windows under way, give the rest back."""
        self._stopping = True
        await self.settle_down()

    async def _claim(self, now: datetime) -> list[LeasedChunk]:
        return await chunks.claim(
            self._pool,
            self._lane,
            now=now,
            lease_until=now + self._options.lease,
            chunks=self._options.bundle_size,
            notifications=self._options.bundle_size,
            window=self._provider.capabilities.window,
        )

    async def _free_place(self) -> None:
        if len(self._under_way) >= self._options.concurrency:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)

    def _start(self, group: Sequence[LeasedChunk]) -> None:
        task = asyncio.create_task(self._deliver(group))
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The lease runs out and the chunks are taken again; nothing is lost.
            _log.error("sending in lane %s broke off", self._lane.name, exc_info=error)

    async def _deliver(self, group: Sequence[LeasedChunk]) -> None:
        async with kept_alive(lambda: self._renew(group), every=self._options.lease / 3):
            bundle = await self._load(group)
            await self._settle_beforehand(bundle)
            for number, window in enumerate(bundle.windows(self._provider.capabilities.window)):
                if self._stopping or not await self._intend(bundle, window, first=number == 0):
                    await self._hand_back(bundle, self._clock.now())
                    return
                outcomes = await self._call(bundle, window)
                await self._record(bundle, window, outcomes)
                if (wanted := _wanted_rest(outcomes)) is not None:
                    await self._rest(bundle, wanted)
                    return
            await self._hand_over(bundle)

    async def _renew(self, group: Sequence[LeasedChunk]) -> None:
        await chunks.renew(self._pool, group, lease_until=self._clock.now() + self._options.lease)

    async def _load(self, group: Sequence[LeasedChunk]) -> Bundle:
        rows = await notifications.of_chunks(self._pool, [chunk.id for chunk in group], self._lane)
        texts = await self._know_texts({row.order_id for row in rows})
        return Bundle({chunk.id: chunk for chunk in group}, rows, texts)

    async def _know_texts(self, order_ids: set[UUID]) -> Mapping[UUID, OrderTexts]:
        """Return what these orders say; the last bundle's orders are remembered, for the next one is often theirs."""
        known = {order_id: self._texts[order_id] for order_id in order_ids & self._texts.keys()}
        missing = order_ids - known.keys()
        self._texts = known | dict(await notifications.texts(self._pool, list(missing))) if missing else known
        return self._texts

    async def _settle_beforehand(self, bundle: Bundle) -> None:
        """Decide what has expired, and record attempts whose outcome was lost before the next one is made.

        What turns out to have been settled meanwhile, by who held the lease before, is not sent again.
        """
        now = self._clock.now()
        settlements, to_send = dict[UUID, Settlement](), list[Unsent]()
        for row in bundle.rows:
            doubtful = bundle.is_doubtful(row)
            result = self._known_beforehand(row, doubtful, now)
            if result is None:
                to_send.append(row)
                continue
            attempts = row.attempts + doubtful
            settlements[row.id] = self._settlement(row, result, attempts, detail=_LOST if doubtful else None)
            if result is NEW[self._lane.channel]:
                to_send.append(replace(row, attempts=attempts))
        if settlements:
            written = await persistently(
                self._pool, lambda connection: notifications.settle(connection, settlements.values(), now=now)
            )
            to_send = [row for row in to_send if row.id not in settlements or row.id in written]
        bundle.rows = to_send

    def _known_beforehand(self, row: Unsent, doubtful: bool, now: datetime) -> Result | None:
        if row.expiry < now:
            return FAILED_TTL[self._lane.channel]
        if doubtful:
            again = self._options.resend_unknown and row.attempts + 1 < _MOST_LOST
            return (NEW if again else FAILED)[self._lane.channel]
        return None

    async def _intend(self, bundle: Bundle, window: Sequence[Unsent], *, first: bool) -> bool:
        """Store that these rows are about to reach the provider; False when a lease was lost.

        The claim has just done so for whole chunks in the first window; with every later one the lease is proved anew.
        """
        last = {row.chunk_id: row.id for row in window if not (first and bundle.is_intended(row))}
        if not last:
            return True
        through = [(bundle.chunks[chunk_id], row_id) for chunk_id, row_id in last.items()]
        lease_until = self._clock.now() + self._options.lease
        held = await chunks.intend(self._pool, through, lease_until=lease_until)
        return len(held) == len(through)

    async def _call(self, bundle: Bundle, window: Sequence[Unsent]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = [Unknown("the provider gave no outcome")] * len(window)
        messages = [self._compose(row, bundle.texts[row.order_id], row.attempts + 1) for row in window]
        try:
            await self._provider.send(messages, outcomes.__setitem__)
        except Exception:  # noqa: BLE001 - a provider that breaks its contract leaves outcomes unknown, no more
            _log.exception("provider %s failed outside its contract", self._provider.name)
        return outcomes

    async def _record(self, bundle: Bundle, window: Sequence[Unsent], outcomes: Sequence[Outcome]) -> None:
        now = self._clock.now()
        settlements, retries = [], dict[UUID, datetime]()
        offered = [(row, outcome) for row, outcome in zip(window, outcomes, strict=True) if _was_offered(outcome)]
        for row, outcome in offered:
            settlement, again = self._decide(row, outcome, now)
            settlements.append(settlement)
            if again is not None:
                retries[row.id] = again
            elif settlement.step.result.facts.stage is Stage.HandedOver:
                self._await_report(bundle, row, now)
        if not offered:
            return
        written = await self._write(bundle, settlements, retries, now)
        bundle.shared.update(row.chunk_id for row, _ in offered if row.id not in written)

    def _decide(self, row: Unsent, outcome: Outcome, now: datetime) -> tuple[Settlement, datetime | None]:
        """Say what an outcome makes of a notification, and when to try again if it is to be tried again."""
        attempts = row.attempts + 1
        match outcome:
            case Accepted(reference):
                assumed = self._options.assume_delivered_after == timedelta(0)
                result = (DELIVERED if assumed else HANDED_OVER)[self._lane.channel]
                return self._answered(row, result, attempts, reference=reference, assumed=assumed), None
            case Settled(result, detail, reference):
                return self._answered(row, result, attempts, reference=reference, detail=detail), None
            case Unknown(detail) if not self._options.resend_unknown:
                return self._settlement(row, FAILED[self._lane.channel], attempts, detail=detail), None
            case Unknown(detail):
                return self._again(row, attempts, detail, None, now)
            case Transient(detail, retry_after):
                return self._again(row, attempts, detail, retry_after, now)

    def _again(
        self, row: Unsent, attempts: int, detail: str, retry_after: timedelta | None, now: datetime
    ) -> tuple[Settlement, datetime | None]:
        jitter = random.random()  # noqa: S311 - spreads retries; nobody gains by guessing it
        pause = stepped_pause(attempts, self._options.retry_delays, jitter)
        follow = delivery.after_transient(now=now, expiry=row.expiry, pause=pause, retry_after=retry_after)
        if isinstance(follow, delivery.Expired):
            return self._settlement(row, FAILED_TTL[self._lane.channel], attempts, detail=detail), None
        return self._settlement(row, NEW[self._lane.channel], attempts, detail=detail), follow.at

    def _answered(
        self,
        row: Unsent,
        result: Result,
        attempts: int,
        *,
        reference: str | None,
        detail: str | None = None,
        assumed: bool = False,
    ) -> Settlement:
        """Record the provider's own answer, under its name."""
        step = Step(NEW[self._lane.channel], result, attempts, detail, assumed, provider=self._provider.name)
        return Settlement(row.id, step, reference)

    def _settlement(self, row: Unsent, result: Result, attempts: int, *, detail: str | None = None) -> Settlement:
        return Settlement(row.id, Step(NEW[self._lane.channel], result, attempts, detail))

    def _await_report(self, bundle: Bundle, row: Unsent, now: datetime) -> None:
        deadline = row.expiry + self._options.grace
        if self._options.assume_delivered_after is not None:
            deadline = min(deadline, now + self._options.assume_delivered_after)
        known = bundle.deadlines.get(row.chunk_id, deadline)
        bundle.deadlines[row.chunk_id] = min(known, deadline)

    async def _write(
        self, bundle: Bundle, settlements: Sequence[Settlement], retries: Mapping[UUID, datetime], now: datetime
    ) -> set[UUID]:
        references = [s.reference for s in settlements if s.reference is not None]

        async def write(connection: Connection) -> set[UUID]:
            if references:  # first, because who applies reports also takes them before the notifications
                await reports.hasten(connection, references, now=now)
            written = await notifications.settle(connection, settlements, now=now)
            if retries:
                await self._set_aside(connection, bundle, retries)
            return written

        written = await persistently(self._pool, write)
        if references:
            self._hints.reports_kept()
        return written

    async def _set_aside(self, connection: Connection, bundle: Bundle, retries: Mapping[UUID, datetime]) -> None:
        """Move what is to be tried again out of each chunk into a new one, due at the latest of their times.

        One for each, because a chunk is read by the span of its ids: rows of different age would make it span days.
        """
        by_chunk = dict[UUID, list[Unsent]]()
        for row in bundle.rows:
            if row.id in retries:
                by_chunk.setdefault(row.chunk_id, []).append(row)
        apart = {chunk_id: self._retry_chunk(rows, retries) for chunk_id, rows in by_chunk.items()}
        await chunks.insert_many(connection, list(apart.values()))
        moves = [
            (row.id, bundle.chunks[chunk_id], apart[chunk_id].id) for chunk_id, rows in by_chunk.items() for row in rows
        ]
        await chunks.move_rows(connection, moves)

    def _retry_chunk(self, rows: Sequence[Unsent], retries: Mapping[UUID, datetime]) -> NewChunk:
        deadline = min(row.expiry for row in rows) + self._options.grace
        due = max(retries[row.id] for row in rows)
        return NewChunk(new_id(), self._lane, rows[0].id, rows[-1].id, len(rows), due, deadline)

    async def _rest(self, bundle: Bundle, wanted: Transient) -> None:
        """Pause the lane and give back what is left; what was not offered to the provider is still in its chunk."""
        until = self._clock.now() + (wanted.retry_after or self._options.pause)
        level = logging.WARNING if wanted.offered else logging.DEBUG  # keeping to a rate is nothing to warn of
        _log.log(level, "lane %s rests until %s: %s (%s)", self._lane.name, until.isoformat(), wanted.detail, _PAUSED)
        await chunks.pause(self._pool, self._lane, until=until, reason=wanted.detail)
        await self._hand_back(bundle, until)

    async def _hand_back(self, bundle: Bundle, due: datetime) -> None:
        await chunks.hand_back(self._pool, list(bundle.chunks.values()), due=due)

    async def _hand_over(self, bundle: Bundle) -> None:
        """End the leases. What a chunk that others worked on too awaits is not known here: the sweep looks at once."""
        now = self._clock.now()
        ends = [
            (chunk, bundle.deadlines.get(chunk.id) if bundle.saw_all_of(chunk) else now)
            for chunk in bundle.chunks.values()
        ]
        await chunks.hand_over(self._pool, ends)


def _was_offered(outcome: Outcome) -> bool:
    return not isinstance(outcome, Transient) or outcome.offered


def _wanted_rest(outcomes: Sequence[Outcome]) -> Transient | None:
    """Return the first outcome with which the provider asks for a rest, None if there is none."""
    for outcome in outcomes:
        if isinstance(outcome, Transient) and (outcome.pause or not outcome.offered):
            return outcome
    return None
