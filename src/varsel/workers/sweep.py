"""Deadlines: whatever is not final when its time has run out is decided here (processing.md 5.9, W3, W11).

Every row that is not final belongs to a chunk, and every chunk has a deadline; so nothing can stay open for ever.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from varsel import delivery
from varsel.model.clock import Clock
from varsel.model.results import DELIVERED, FAILED_TTL, Channel, Result, Stage
from varsel.storage import chunks, notifications
from varsel.storage.notifications import OpenNotification, Settlement, Step
from varsel.storage.outages import is_outage
from varsel.storage.pool import Connection, Pool
from varsel.storage.transactions import in_transaction

_log = logging.getLogger(__name__)

_NEVER = datetime.max.replace(tzinfo=UTC)
_UNREPORTED = "no delivery report arrived in time"
_UNSENT = "could not be handed over in time"
_ASSUMED = "taken by the provider, and no bad news since"


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """What an operator may set about deadlines."""

    lease: timedelta
    chunks_at_once: int
    grace: timedelta
    assume_delivered_after: Mapping[Channel, timedelta | None]


class Sweep:
    """Settles what has expired and counts as delivered what nobody complained about."""

    def __init__(
        self, pool: Pool, clock: Clock, options: SweepOptions, may_take_over: Callable[[], bool] = lambda: True
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._options = options
        self._may_take_over = may_take_over

    async def run_once(self) -> bool:
        """Decide one set of overdue chunks in one small transaction; True when there may be more.

        Where the set cannot be recorded each notification is decided alone, so that one does not stop the others.
        """
        try:
            return await in_transaction(self._pool, self._sweep_next)
        except Exception as error:
            if is_outage(error):
                raise
            _log.error("overdue notifications could not be decided together (%s)", type(error).__name__)
        return await self._sweep_apart()

    async def _sweep_next(self, connection: Connection) -> bool:
        now = self._clock.now()
        overdue = await self._claim(connection, now)
        if overdue:
            await self._decide(connection, overdue, now)
        return len(overdue) == self._options.chunks_at_once

    async def _sweep_apart(self) -> bool:
        now = self._clock.now()
        overdue = await in_transaction(self._pool, partial(self._claim, now=now))
        still_open = await in_transaction(self._pool, partial(notifications.unsettled, chunk_ids=overdue))
        written = set[UUID]()
        for settlement in self._decide_all(still_open, now):
            written |= await self._settle_alone(settlement, now)
        left = [notification for notification in still_open if notification.id not in written]
        # What could not be recorded is tried again when others have had their turn.
        await in_transaction(
            self._pool, partial(self._rearm, chunk_ids=overdue, waiting=left, now=now + self._options.lease)
        )
        return len(overdue) == self._options.chunks_at_once

    async def _settle_alone(self, settlement: Settlement, now: datetime) -> set[UUID]:
        try:
            return await in_transaction(self._pool, partial(notifications.settle, settlements=[settlement], now=now))
        except Exception as error:
            if is_outage(error):
                raise
            name = type(error).__name__  # its text may quote what is stored
            _log.error("overdue notification %s could not be decided (%s)", settlement.id, name)
            return set()

    async def _claim(self, connection: Connection, now: datetime) -> list[UUID]:
        options = self._options
        overdue = await chunks.claim_overdue(
            connection,
            now=now,
            lease_until=now + options.lease,
            limit=options.chunks_at_once,
            take_over=self._may_take_over(),
        )
        return list(overdue)

    async def _decide(self, connection: Connection, chunk_ids: Sequence[UUID], now: datetime) -> None:
        still_open = await notifications.unsettled(connection, chunk_ids)
        written = await notifications.settle(connection, self._decide_all(still_open, now), now=now)
        await self._rearm(connection, chunk_ids, [n for n in still_open if n.id not in written], now)

    def _decide_all(self, still_open: Sequence[OpenNotification], now: datetime) -> list[Settlement]:
        return [s for notification in still_open if (s := self._decide_one(notification, now)) is not None]

    def _decide_one(self, notification: OpenNotification, now: datetime) -> Settlement | None:
        channel = notification.channel
        if notification.result.facts.stage is Stage.HandedOver and self._assumed_at(notification) <= now:
            return self._settle(notification, DELIVERED[channel], _ASSUMED, assumed=True)
        if notification.expiry + self._options.grace <= now:
            return self._settle(notification, FAILED_TTL[channel], _why_expired(notification))
        return None

    def _settle(
        self, notification: OpenNotification, result: Result, why: str | None, *, assumed: bool = False
    ) -> Settlement | None:
        follows = delivery.next_result(notification.result, notification.assumed, result, "sweep")
        if follows is None:
            return None
        return Settlement(notification.id, Step(notification.result, follows, notification.attempts, why, assumed))

    def _assumed_at(self, notification: OpenNotification) -> datetime:
        after = self._options.assume_delivered_after[notification.channel]
        return _NEVER if after is None else notification.result_time + after

    def _expired_at(self, notification: OpenNotification) -> datetime:
        return notification.expiry + self._options.grace

    async def _rearm(
        self, connection: Connection, chunk_ids: Iterable[UUID], waiting: Sequence[OpenNotification], now: datetime
    ) -> None:
        """Give every chunk the deadline of what it still awaits; forget those that await nothing."""
        deadlines = dict[UUID, datetime]()
        for notification in waiting:
            if notification.chunk_id is not None:
                deadline = max(now, self._next_decision(notification))
                known = deadlines.get(notification.chunk_id, deadline)
                deadlines[notification.chunk_id] = min(known, deadline)
        await chunks.rearm(connection, list(deadlines.items()))
        await chunks.remove(connection, [chunk_id for chunk_id in chunk_ids if chunk_id not in deadlines])

    def _next_decision(self, notification: OpenNotification) -> datetime:
        if notification.result.facts.stage is Stage.HandedOver:
            return min(self._assumed_at(notification), self._expired_at(notification))
        return self._expired_at(notification)


def _why_expired(notification: OpenNotification) -> str | None:
    """Say why a notification got no final result; None leaves what its last attempt ended with, the true reason."""
    if notification.result.facts.stage is Stage.HandedOver:
        return _UNREPORTED
    return None if notification.attempts else _UNSENT
