"""Sending: lease chunks, store the intent, call the provider, record what it said.

The three beats (docs/architecture.md): no transaction is open while a provider is called, and a result is recorded
whatever became of the lease, because what the provider said stays true.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar
from uuid import UUID

from varsel import delivery
from varsel.channels.protocol import (
    Accepted,
    EmailMessage,
    Outcome,
    Provider,
    Settle,
    Settled,
    SmsMessage,
    Transient,
    Unknown,
)
from varsel.delivery import Attempts, Decision, SendPolicy
from varsel.model.clock import Clock
from varsel.model.lanes import Lane
from varsel.model.orders import OrderTexts
from varsel.model.results import NEW, Stage
from varsel.storage import chunks, notifications
from varsel.storage.chunks import LeasedChunk
from varsel.storage.notifications import Unsent
from varsel.storage.outages import is_outage
from varsel.storage.pool import Connection, Pool
from varsel.storage.transactions import persistently
from varsel.workers.bundle import Bundle
from varsel.workers.hints import Hints
from varsel.workers.lease import kept_alive
from varsel.workers.recording import Decided, Recording

_log = logging.getLogger(__name__)

Message = TypeVar("Message", EmailMessage, SmsMessage)
Answer = TypeVar("Answer")

Compose = Callable[[Unsent, OrderTexts, int, datetime], Message]
"""Makes the provider's message of a notification, its order's texts, the number of this attempt and the time."""

IsOpen = Callable[[datetime], bool]
"""Tells whether a lane may send at this instant."""

MayTakeOver = Callable[[], bool]
"""Tells whether leases that ran out may be taken now."""

_MANY = 10
"""Notifications of one window that are to be tried again, from which on their pauses are spread widely."""

_PAUSED = "provider asked for rest"


def always(_: datetime) -> bool:
    """Tell that a lane may send at any time."""
    return True


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
    most_lost: int
    """Lost outcomes of one notification after which it is not sent again."""
    instant_retry_delays: tuple[timedelta, ...]
    """`retry_delays` of instant messages."""

    @property
    def policy(self) -> SendPolicy:
        """What decides about outcomes."""
        return SendPolicy(
            self.retry_delays, self.resend_unknown, self.most_lost, self.assume_delivered_after == timedelta(0)
        )

    @property
    def instant_policy(self) -> SendPolicy:
        """What decides about outcomes of instant messages: one that may have been sent is never sent again."""
        return replace(self.policy, retry_delays=self.instant_retry_delays, resend_unknown=False)


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
        is_open: IsOpen = always,
        may_take_over: MayTakeOver = lambda: True,
    ) -> None:
        self._lane = lane
        self._provider: Provider[Message] = provider
        self._compose: Compose[Message] = compose
        self._pool = pool
        self._clock = clock
        self._options = options
        self._policies = {False: options.policy, True: options.instant_policy}
        self._is_open = is_open
        self._may_take_over = may_take_over
        self._recording = Recording(pool, lane, hints, grace=options.grace, provider=provider.name)
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
            take_over=self._may_take_over(),
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

    async def _insist(self, work: Callable[[Pool | Connection], Awaitable[Answer]]) -> Answer:
        """Run one statement, without a transaction of ours while the database is there; wait for it when it is not.

        Giving up would leave in doubt what certainly was not sent.
        """
        try:
            return await work(self._pool)
        except Exception as error:
            if not is_outage(error):
                raise
        return await persistently(self._pool, work)

    async def _load(self, group: Sequence[LeasedChunk]) -> Bundle:
        chunk_ids = [chunk.id for chunk in group]
        rows = await self._insist(partial(notifications.of_chunks, chunk_ids=chunk_ids, lane=self._lane))
        texts = await self._know_texts({row.order_id for row in rows})
        return Bundle({chunk.id: chunk for chunk in group}, rows, texts)

    async def _know_texts(self, order_ids: set[UUID]) -> Mapping[UUID, OrderTexts]:
        """Return what these orders say; the last bundle's orders are remembered, for the next one is often theirs."""
        known = {order_id: self._texts[order_id] for order_id in order_ids & self._texts.keys()}
        missing = order_ids - known.keys()
        if missing:
            known |= await self._insist(partial(notifications.texts, order_ids=list(missing)))
        self._texts = known
        return known

    async def _settle_beforehand(self, bundle: Bundle) -> None:
        """Decide what has expired, and record attempts whose outcome was lost before the next one is made.

        What turns out to have been settled meanwhile, by who held the lease before, is not sent again.
        """
        now = self._clock.now()
        decided, to_send = dict[UUID, Decided](), list[Unsent]()
        for row in bundle.rows:
            doubtful = bundle.is_doubtful(row)
            if not doubtful and row.expiry >= now:
                to_send.append(row)
                continue
            decision = delivery.before_sending(
                self._lane.channel,
                Attempts(row.attempts, row.lost),
                expiry=row.expiry,
                doubtful=doubtful,
                policy=self._policies[row.instant],
                now=now,
            )
            if decision is None:
                to_send.append(row)
                continue
            decided[row.id] = Decided(row, decision)
            if decision.result is NEW[self._lane.channel]:
                to_send.append(replace(row, attempts=decision.attempts.made, lost=decision.attempts.lost))
        if not decided:
            return
        written = await self._recording.record(list(decided.values()), bundle.chunks, now=now)
        bundle.rows = [row for row in to_send if row.id not in decided or row.id in written]

    async def _intend(self, bundle: Bundle, window: Sequence[Unsent], *, first: bool) -> bool:
        """Store that these rows are about to reach the provider; False when a lease was lost.

        The claim has just done so for whole chunks in the first window; with every later one the lease is proved anew.
        """
        last = {row.chunk_id: row.id for row in window if not (first and bundle.is_intended(row))}
        if not last:
            return True
        through = [(bundle.chunks[chunk_id], row_id) for chunk_id, row_id in last.items()]
        lease_until = self._clock.now() + self._options.lease
        held = await self._insist(partial(chunks.intend, windows=through, lease_until=lease_until))
        return len(held) == len(through)

    async def _call(self, bundle: Bundle, window: Sequence[Unsent]) -> Sequence[Outcome]:
        """Give a window to the provider; return an outcome for each of its notifications."""
        outcomes: list[Outcome] = [Unknown("the provider gave no outcome")] * len(window)
        settle: Settle = outcomes.__setitem__
        now = self._clock.now()
        try:
            messages = [self._compose(row, bundle.texts[row.order_id], row.attempts + 1, now) for row in window]
        except Exception:  # noqa: BLE001 - one that cannot be composed must not cost the others
            messages, settle = self._compose_apart(bundle, window, outcomes, now)
        try:
            await self._provider.send(messages, settle)
        except Exception:  # noqa: BLE001 - a provider that breaks its contract leaves outcomes unknown, no more
            _log.exception("provider %s failed outside its contract", self._provider.name)
        return outcomes

    def _compose_apart(
        self, bundle: Bundle, window: Sequence[Unsent], outcomes: list[Outcome], now: datetime
    ) -> tuple[list[Message], Settle]:
        """Compose what can be composed, and put everything else off; return how to settle what is sent."""
        messages, places = list[Message](), list[int]()
        for place, row in enumerate(window):
            try:
                messages.append(self._compose(row, bundle.texts[row.order_id], row.attempts + 1, now))
                places.append(place)
            except Exception as error:  # noqa: BLE001 - it alone is put off
                _log.exception("notification %s could not be composed", row.id)
                outcomes[place] = Transient(f"could not be composed ({type(error).__name__})", offered=False)

        def settle(position: int, outcome: Outcome) -> None:
            outcomes[places[position]] = outcome

        return messages, settle

    async def _record(self, bundle: Bundle, window: Sequence[Unsent], outcomes: Sequence[Outcome]) -> None:
        now = self._clock.now()
        decided = self._decide(window, outcomes, now)
        for row, decision, _ in decided:
            if decision.result.facts.stage is Stage.HandedOver:
                self._await_report(bundle, row, now)
        written = await self._recording.record(decided, bundle.chunks, now=now)
        missed = [d for d in decided if d.row.id not in written]
        bundle.shared.update(d.row.chunk_id for d in missed)
        await self._recording.record_late(missed, now=now)

    def _decide(self, window: Sequence[Unsent], outcomes: Sequence[Outcome], now: datetime) -> list[Decided]:
        """Decide about every notification of a window; those not offered while the lane rests stay as they are."""
        many = sum(isinstance(outcome, Transient | Unknown) for outcome in outcomes) > _MANY
        taken = dict[tuple[int, int], Decision]()  # nearly all are taken, and one decision serves them
        decided = list[Decided]()
        for row, outcome in zip(window, outcomes, strict=True):
            if _stays(outcome):
                continue
            attempts = (row.attempts, row.lost)
            decision = taken.get(attempts) if isinstance(outcome, Accepted) else None
            if decision is None:
                decision = self._after(row, outcome, now, many=many)
                if isinstance(outcome, Accepted):
                    taken[attempts] = decision
            decided.append(Decided(row, decision, self._reference(row, outcome)))
        return decided

    def _after(self, row: Unsent, outcome: Outcome, now: datetime, *, many: bool) -> Decision:
        return delivery.after_outcome(
            outcome,
            self._lane.channel,
            Attempts(row.attempts, row.lost),
            expiry=row.expiry,
            policy=self._policies[row.instant],
            now=now,
            chance=random.random(),  # noqa: S311 - spreads retries; nobody gains by guessing it
            many=many,
        )

    def _reference(self, row: Unsent, outcome: Outcome) -> str | None:
        reference = delivery.kept_reference(outcome)
        if reference is None and isinstance(outcome, Accepted | Settled) and outcome.reference is not None:
            _log.warning(
                "provider %s gave notification %s a reference that cannot be kept; its reports will not be matched",
                self._provider.name,
                row.id,
            )
        return reference

    def _await_report(self, bundle: Bundle, row: Unsent, now: datetime) -> None:
        deadline = row.expiry + self._options.grace
        if self._options.assume_delivered_after is not None:
            deadline = min(deadline, now + self._options.assume_delivered_after)
        known = bundle.deadlines.get(row.chunk_id, deadline)
        bundle.deadlines[row.chunk_id] = min(known, deadline)

    async def _rest(self, bundle: Bundle, wanted: Transient) -> None:
        """Pause the lane and give back what is left; what was not offered to the provider is still in its chunk."""
        until = self._clock.now() + (wanted.retry_after or self._options.pause)
        level = logging.WARNING if wanted.offered else logging.DEBUG  # keeping to a rate is nothing to warn of
        _log.log(level, "lane %s rests until %s: %s (%s)", self._lane.name, until.isoformat(), wanted.detail, _PAUSED)
        await self._insist(partial(chunks.pause, lane=self._lane, until=until, reason=wanted.detail))
        await self._hand_back(bundle, until)

    async def _hand_back(self, bundle: Bundle, due: datetime) -> None:
        await self._insist(partial(chunks.hand_back, chunks=list(bundle.chunks.values()), due=due))

    async def _hand_over(self, bundle: Bundle) -> None:
        """End the leases. What a chunk that others worked on too awaits is not known here: the sweep looks at once."""
        now = self._clock.now()
        ends = [
            (chunk, bundle.deadlines.get(chunk.id) if bundle.saw_all_of(chunk) else now)
            for chunk in bundle.chunks.values()
        ]
        await self._insist(partial(chunks.hand_over, chunks=ends))


def _stays(outcome: Outcome) -> bool:
    """Tell whether a message stays in its chunk: it was not offered, and its lane rests."""
    return isinstance(outcome, Transient) and outcome.pause and not outcome.offered


def _wanted_rest(outcomes: Sequence[Outcome]) -> Transient | None:
    """Return the first outcome with which the provider asks for a rest, None if there is none."""
    for outcome in outcomes:
        if isinstance(outcome, Transient) and outcome.pause:
            return outcome
    return None
