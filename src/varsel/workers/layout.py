"""Where new notifications lie: every one gets its row, and those to be sent a place in a chunk of their lane."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from varsel.model.ids import new_id
from varsel.model.lanes import Lane
from varsel.model.notifications import PlannedNotification
from varsel.model.results import Channel, Stage
from varsel.notifications.sms_parts import kept_parts
from varsel.storage.chunks import NewChunk
from varsel.storage.notifications import NewRow


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


class Layout:
    """Rows and chunks in the making: each lane fills its open chunk, then begins another."""

    def __init__(self, ids: Iterator[UUID], now: datetime, chunk_size: int, grace: timedelta) -> None:
        self._ids = ids
        self.rows: list[NewRow] = []
        self._now = now
        self._chunk_size = chunk_size
        self._grace = grace
        self._open: dict[Lane, _OpenChunk] = {}
        self._closed: list[NewChunk] = []

    def add(
        self, order_id: UUID, notification: PlannedNotification, lane: Lane, expires: datetime, segments: int | None
    ) -> None:
        """Lay out a notification of an order; `segments` are those of the order's SMS text, if it has one."""
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
                _segments(notification, segments) if sendable else None,
                notification.trail,
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


def _segments(notification: PlannedNotification, of_order: int | None) -> int | None:
    """Return in how many parts a notification will travel by SMS; None by e-mail."""
    if notification.channel is not Channel.Sms:
        return None
    return of_order if notification.body is None else kept_parts(notification.body)
