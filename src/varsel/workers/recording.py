"""Recording what became of notifications: whoever holds their lease by now, and whatever one of them cannot keep."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from varsel import delivery
from varsel.delivery import Decision
from varsel.model.ids import new_id
from varsel.model.lanes import Lane
from varsel.model.results import NEW, Result
from varsel.storage import chunks, notifications, reports
from varsel.storage.chunks import LeasedChunk, NewChunk
from varsel.storage.notifications import OpenNotification, Settlement, Step, Unsent
from varsel.storage.pool import Connection, Pool
from varsel.storage.transactions import persistently
from varsel.workers.hints import Hints

_log = logging.getLogger(__name__)

_RETRY_GROUP = 10
"""Notifications tried again together, at least, so that a few of them make one chunk and not several."""

_MOST_GROUPS = 8
"""Chunks that the retries of one chunk are divided into, at most: each of them is read by the same span of ids."""

_LATE_TRIES = 5
"""Attempts to record a late answer while others change the same notifications."""


class Decided(NamedTuple):
    """A notification under lease, what was decided of it, and the provider's reference."""

    row: Unsent
    decision: Decision
    reference: str | None = None

    @property
    def reduced(self) -> "Decided":
        """The same without what the provider said, in case the database refuses to keep it."""
        return Decided(self.row, self.decision._replace(detail=None))


class Recording:
    """Records decisions in sets. It does not give up while the database is away."""

    def __init__(self, pool: Pool, lane: Lane, hints: Hints, *, grace: timedelta, provider: str) -> None:
        self._pool = pool
        self._lane = lane
        self._hints = hints
        self._grace = grace
        self._provider = provider

    async def record(self, decided: Sequence[Decided], held: Mapping[UUID, LeasedChunk], *, now: datetime) -> set[UUID]:
        """Record decisions, and set aside what is to be tried again; return the notifications that changed.

        `held` are the chunks they are in. Where a set cannot be recorded, each is recorded alone, so that one value
        that the database refuses does not cost its neighbours.
        """
        if not decided:
            return set()
        try:
            written = await self._persist(decided, held, now)
        except Exception as error:  # noqa: BLE001 - whatever it was, the neighbours of the guilty one must be recorded
            name = type(error).__name__  # its text may quote what a provider said
            _log.error("%d results in lane %s could not be recorded together (%s)", len(decided), self._lane.name, name)
            written = set[UUID]()
            for single in decided:
                written |= await self._record_alone(single, held, now)
        if any(d.reference is not None for d in decided):
            self._hints.reports_kept()
        return written

    async def record_late(self, decided: Sequence[Decided], *, now: datetime) -> None:
        """Record answers about notifications that others have decided meanwhile.

        Their attempts are counted in any case, and what was only supposed is replaced by what is known.
        """
        left = decided
        for _ in range(_LATE_TRIES):
            if not left:
                return
            left = await persistently(self._pool, partial(self._correct, decided=left, now=now))

    async def _correct(self, connection: Connection, decided: Sequence[Decided], now: datetime) -> Sequence[Decided]:
        """Return those that somebody else changed at the same time."""
        await notifications.count_attempts(connection, [(d.row.id, *d.decision.attempts) for d in decided])
        found = await notifications.by_ids(connection, [d.row.id for d in decided])
        current = {notification.id: notification for notification in found}
        steps = {
            d.row.id: step for d in decided if d.row.id in current and (step := self._late_step(current[d.row.id], d))
        }
        references = [step.reference for step in steps.values() if step.reference is not None]
        if references:
            await reports.hasten(connection, references, now=now)
        written = await notifications.settle(connection, steps.values(), now=now)
        return [d for d in decided if d.row.id in steps.keys() - written]

    async def _record_alone(self, single: Decided, held: Mapping[UUID, LeasedChunk], now: datetime) -> set[UUID]:
        for form in (single, single.reduced):
            try:
                return await self._persist([form], held, now)
            except Exception as error:  # noqa: BLE001 - what cannot be recorded must not be sent again either
                name = type(error).__name__
                _log.error("the result of notification %s could not be recorded (%s)", single.row.id, name)
        await self._withdraw(single, held)
        return set()

    async def _withdraw(self, single: Decided, held: Mapping[UUID, LeasedChunk]) -> None:
        """Keep what cannot be recorded from being sent again: its chunk is not due, and its deadline decides."""
        row = single.row

        async def move(connection: Connection) -> None:
            deadline = row.expiry + self._grace
            apart = NewChunk(new_id(), self._lane, row.id, row.id, 1, None, deadline, row.instant)
            await chunks.insert_many(connection, [apart])
            await chunks.move_rows(connection, [(row.id, held[row.chunk_id], apart.id)])

        _log.error("notification %s is not sent again; it is decided at its deadline", row.id)
        await persistently(self._pool, move)

    async def _persist(self, decided: Sequence[Decided], held: Mapping[UUID, LeasedChunk], now: datetime) -> set[UUID]:
        settlements = list(self._from_new(decided))
        references = [s.reference for s in settlements if s.reference is not None]
        again = [(d.row, d.decision.again) for d in decided if d.decision.again is not None]

        async def write(connection: Connection) -> set[UUID]:
            if references:  # first, because whoever applies reports also takes them before the notifications
                await reports.hasten(connection, references, now=now)
            written = await notifications.settle(connection, settlements, now=now)
            if retries := [(row, at) for row, at in again if row.id in written]:
                await self._set_aside(connection, held, retries)
            return written

        return await persistently(self._pool, write)

    async def _set_aside(
        self, connection: Connection, held: Mapping[UUID, LeasedChunk], retries: Iterable[tuple[Unsent, datetime]]
    ) -> None:
        """Move what is to be tried again out of each chunk into new ones, by the time at which it is due.

        No new chunk has rows of two old ones, because a chunk is read by the span of its ids: rows of different age
        would make it span days.
        """
        by_chunk = dict[UUID, list[tuple[Unsent, datetime]]]()
        for row, again in retries:
            by_chunk.setdefault(row.chunk_id, []).append((row, again))
        apart, moves = list[NewChunk](), list[tuple[UUID, LeasedChunk, UUID]]()
        for chunk_id, members in by_chunk.items():
            for group in by_due_time(members):
                chunk = self._retry_chunk(group)
                apart.append(chunk)
                moves += [(row.id, held[chunk_id], chunk.id) for row, _ in group]
        await chunks.insert_many(connection, apart)
        await chunks.move_rows(connection, moves)

    def _retry_chunk(self, group: Sequence[tuple[Unsent, datetime]]) -> NewChunk:
        ids = sorted((row.id for row, _ in group), key=lambda row_id: row_id.bytes)
        deadline = min(row.expiry for row, _ in group) + self._grace
        due, instant = max(due for _, due in group), group[0][0].instant  # all of one chunk are alike
        return NewChunk(new_id(), self._lane, ids[0], ids[-1], len(ids), due, deadline, instant)

    def _from_new(self, decided: Iterable[Decided]) -> Iterator[Settlement]:
        """Make the steps to record: what is under lease is New. Those with one decision share one step."""
        last: tuple[Decision, Step] | None = None
        for row, decision, reference in decided:
            if last is None or decision is not last[0]:
                last = decision, self._step(NEW[self._lane.channel], False, decision)
            yield Settlement(row.id, last[1], reference)

    def _late_step(self, current: OpenNotification, late: Decided) -> Settlement | None:
        decision = delivery.after_late_answer(current.result, current.assumed, late.decision)
        if decision is None:
            return None
        return Settlement(current.id, self._step(current.result, current.assumed, decision), late.reference)

    def _step(self, expected: Result, was_assumed: bool, decision: Decision) -> Step:
        made, lost = decision.attempts
        answered_by = self._provider if decision.answered else None
        return Step(expected, decision.result, made, decision.detail, decision.assumed, was_assumed, answered_by, lost)


def by_due_time(members: Sequence[tuple[Unsent, datetime]]) -> Iterator[Sequence[tuple[Unsent, datetime]]]:
    """Divide what is to be tried again into groups that are due at about the same time, few and not too small."""
    groups = min(_MOST_GROUPS, -(-len(members) // _RETRY_GROUP))
    in_order = sorted(members, key=lambda member: member[1])
    for number in range(groups):
        yield in_order[number * len(members) // groups : (number + 1) * len(members) // groups]
