"""Notifications: copied in by the hundred, read by order or by chunk, and given their results in sets."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from varsel.model.lanes import Lane
from varsel.model.orders import OrderStatus, OrderTexts
from varsel.model.results import NEW, SENDING, Channel, Result, Stage
from varsel.storage import finals, queries
from varsel.storage.numbers import RESULTS
from varsel.storage.pool import Connection, Pool

_SQL = queries.texts("notifications")
_texts = msgspec.json.Decoder(OrderTexts)
_COLUMNS = (
    "id",
    "order_id",
    "chunk_id",
    "channel",
    "result",
    "result_time",
    "expiry",
    "address",
    "national_identity_number",
    "organization_number",
    "subject",
    "body",
    "segments",
    "trail",
)
_NIL = UUID(int=0)
_OPEN = [result for result in Result if result.facts.stage is not Stage.Final]

NewRow = tuple[
    UUID,
    UUID,
    UUID | None,
    int,
    int,
    datetime,
    datetime,
    str,
    str | None,
    str | None,
    str | None,
    str | None,
    int | None,
    str | None,
]
"""A notification to be stored, in the order of `_COLUMNS`: tuples, because they come by the hundred thousand."""


@dataclass(frozen=True, slots=True)
class ListedNotification:
    """One line of an order's notification list; `result` says Sending while a provider is being called."""

    id: UUID
    result: Result
    result_time: datetime
    address: str
    national_identity_number: str | None
    organization_number: str | None
    taken: bool
    """Whether a provider is known to have answered for it."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """A notification under a chunk's lease, with its own texts where placeholders were filled in."""

    id: UUID
    order_id: UUID
    chunk_id: UUID
    address: str
    subject: str | None
    body: str | None
    attempts: int
    lost: int
    """Attempts whose outcome was lost."""
    expiry: datetime
    instant: bool
    """Whether it is the message of an instant order, which is never sent again once it may have been sent."""


@dataclass(frozen=True, slots=True)
class OpenNotification:
    """The state a decision about a notification starts from."""

    id: UUID
    order_id: UUID
    chunk_id: UUID | None
    channel: Channel
    result: Result
    result_time: datetime
    expiry: datetime
    assumed: bool
    attempts: int


class Named(NamedTuple):
    """What a delivery report calls a notification; `provider` None stands for any provider of the channel."""

    channel: Channel
    provider: str | None
    reference: str


class Step(NamedTuple):
    """A decided step of a notification: from the result the decision was based on to the new one.

    It is written only where the row still says `expected` and `was_assumed`. `attempts` and `lost`, those of them
    whose outcome was lost, are the new totals, unless more are known. `assumed` marks a result that is final but not
    known. `provider` names who gave an answer, if somebody did; references are known within a provider only. Steps
    that are alike are sent once for all their notifications.
    """

    expected: Result
    result: Result
    attempts: int
    detail: str | None = None
    assumed: bool = False
    was_assumed: bool = False
    provider: str | None = None
    lost: int = 0

    @property
    def settled(self) -> int:
        """1 where this step makes the notification final, else 0; none makes it unfinal again."""
        return int(self.result.facts.stage is Stage.Final and self.expected.facts.stage is not Stage.Final)

    def succeeded(self, channel: Channel) -> int:
        """Return what this step adds to an order's count of succeeded notifications of `channel`: -1, 0 or 1."""
        if self.result.facts.channel is not channel:
            return 0
        return int(self.result.facts.succeeded) - int(self.expected.facts.succeeded)


class Settlement(NamedTuple):
    """A step to be recorded for one notification, with the provider's reference where it gave one."""

    id: UUID
    step: Step
    reference: str | None = None


async def insert_many(connection: Connection, rows: Sequence[NewRow]) -> None:
    """Copy newly generated notifications in."""
    await connection.copy_records_to_table("notifications", columns=_COLUMNS, records=rows)


async def of_order(
    pool: Pool, order_id: UUID, channel: Channel, *, after: UUID = _NIL, limit: int
) -> list[ListedNotification]:
    """Read one page of an order's notifications of a channel, following `after`."""
    rows = await pool.fetch(_SQL["of_order"], order_id, channel, after, NEW[channel], SENDING[channel], limit)
    return [
        ListedNotification(
            id=row["id"],
            result=Result(row["result"]),
            result_time=row["result_time"],
            address=row["address"],
            national_identity_number=row["national_identity_number"],
            organization_number=row["organization_number"],
            taken=row["taken"],
        )
        for row in rows
    ]


async def pages_of_order(
    pool: Pool, order_id: UUID, channel: Channel, *, size: int, after: UUID = _NIL
) -> AsyncIterator[list[ListedNotification]]:
    """Yield an order's notifications of a channel following `after`, page by page; none is empty."""
    while page := await of_order(pool, order_id, channel, after=after, limit=size):
        yield page
        if len(page) < size:
            return
        after = page[-1].id


async def of_chunks(pool: Pool | Connection, chunk_ids: Sequence[UUID], lane: Lane) -> list[Unsent]:
    """Read what is still to be sent of leased chunks, in the order it will be sent."""
    rows = await pool.fetch(_SQL["of_chunks"], chunk_ids, NEW[lane.channel])
    return [Unsent(*row.values()) for row in rows]


async def texts(pool: Pool | Connection, order_ids: Sequence[UUID]) -> Mapping[UUID, OrderTexts]:
    """Read what the given orders say."""
    rows = await pool.fetch(_SQL["texts"], order_ids)
    return {row["order_id"]: _texts.decode(row["texts"]) for row in rows}


async def unsettled(connection: Connection, chunk_ids: Sequence[UUID]) -> list[OpenNotification]:
    """Read the notifications of these chunks that have no final result."""
    return [_open(row) for row in await connection.fetch(_SQL["unsettled"], chunk_ids, _OPEN)]


async def by_ids(connection: Connection, ids: Sequence[UUID]) -> list[OpenNotification]:
    """Read the notifications that delivery reports name by id."""
    return [_open(row) for row in await connection.fetch(_SQL["by_ids"], ids)]


async def by_references(
    connection: Connection, names: Sequence[Named], *, most: int
) -> dict[Named, list[OpenNotification]]:
    """Read the notifications that delivery reports name by reference: for each name the newest `most`, newest first.

    A gateway may use a reference again, so there may be several.
    """
    rows = await connection.fetch(
        _SQL["by_references"],
        [name.channel for name in names],
        [name.provider for name in names],
        [name.reference for name in names],
        most,
    )
    found: dict[Named, list[OpenNotification]] = {}
    for number, *fields in rows:
        found.setdefault(names[number - 1], []).append(_open(fields))
    return found


def _open(row: Iterable[Any]) -> OpenNotification:
    notification_id, order_id, chunk_id, channel, result, *others = row
    return OpenNotification(notification_id, order_id, chunk_id, Channel(channel), RESULTS[result], *others)


async def settle(connection: Connection, settlements: Iterable[Settlement], *, now: datetime) -> set[UUID]:
    """Record decided results, move the orders' counters and complete orders; return the ids that changed.

    A notification whose row no longer says what the decision expected is left alone and missing from the answer:
    the caller decides anew from what it says now.
    """
    members = sorted(settlements, key=_by_id)
    if not members:
        return set()
    numbers, places = _numbered(members)
    references = [member.reference for member in members]
    rows = await connection.fetch(
        _SQL["settle"],
        [member.id for member in members],
        references if any(references) else [],
        places,
        [step.expected for step in numbers],
        [step.was_assumed for step in numbers],
        [step.result for step in numbers],
        [step.attempts for step in numbers],
        [step.lost for step in numbers],
        [step.detail for step in numbers],
        [step.assumed for step in numbers],
        [step.settled for step in numbers],
        [step.succeeded(Channel.Email) for step in numbers],
        [step.succeeded(Channel.Sms) for step in numbers],
        [step.provider for step in numbers],
        now,
        OrderStatus.Processed,
        OrderStatus.Completed,
    )
    completed = {row["completed"]: row["size"] for row in rows if row["completed"] is not None}
    await finals.record(connection, list(completed), notifications=sum(completed.values()))
    return {row["changed"] for row in rows if row["changed"] is not None}


def _numbered(members: Sequence[Settlement]) -> tuple[Mapping[Step, int], list[int]]:
    """Number the different steps from 1, and return for each member the number of its step."""
    numbers, places = dict[Step, int](), list[int]()
    last, number = None, 0
    for _, step, _ in members:
        if step is not last:  # neighbours mostly share one, and to hash it costs more
            last, number = step, numbers.setdefault(step, len(numbers) + 1)
        places.append(number)
    return numbers, places


async def count_attempts(connection: Connection, counted: Iterable[tuple[UUID, int, int]]) -> None:
    """Raise the totals of notifications (first) to so many attempts, of which so many lost their outcome (last)."""
    members = sorted(counted, key=lambda member: member[0].bytes)
    await connection.execute(
        _SQL["count_attempts"],
        [notification_id for notification_id, _, _ in members],
        [attempts for _, attempts, _ in members],
        [lost for _, _, lost in members],
    )


def _by_id(settlement: Settlement) -> bytes:
    return settlement.id.bytes
