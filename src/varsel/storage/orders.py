"""Orders: stored whole, claimed under a lease, advanced part by part, read by their key."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum, auto
from uuid import UUID

import msgspec
from asyncpg import Record

from varsel.model.orders import (
    NotificationChannel,
    Order,
    OrderStatus,
    OrderTexts,
    OrderType,
    Recipient,
    SendingTimePolicy,
    unpack_recipients,
)
from varsel.model.results import Channel
from varsel.storage import finals, placing, queries
from varsel.storage.numbers import CHANNELS, ORDER_STATUSES, ORDER_TYPES
from varsel.storage.pool import Connection, Pool

_SQL = queries.texts("orders")
_texts = msgspec.json.Decoder(OrderTexts)
_PAGE = 200
_NIL = UUID(int=0)
_LONGEST_COPY = 600
"""Seconds for the parts of the largest order, which outlast the time-out of ordinary statements; the time of its
request ends it earlier."""


class OrderState(msgspec.Struct, frozen=True):
    """What the status document is made of; everything in it lies in one row, in the order of the query."""

    id: UUID
    creator: str
    senders_reference: str | None
    type: OrderType
    channel: NotificationChannel
    status: OrderStatus
    created: datetime
    requested_send_time: datetime
    last_update: datetime
    condition_endpoint: str | None
    ignore_reservation: bool | None
    resource_id: str | None
    resource_action: str | None
    email_generated: int
    email_succeeded: int
    sms_generated: int
    sms_succeeded: int


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as its owner wrote it, with the recipients of its first part."""

    id: UUID
    creator: str
    senders_reference: str | None
    type: OrderType
    channel: NotificationChannel
    status: OrderStatus
    created: datetime
    requested_send_time_text: str
    condition_endpoint: str | None
    ignore_reservation: bool | None
    resource_id: str | None
    resource_action: str | None
    part_count: int
    texts: OrderTexts
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class ClaimedOrder:
    """An order under lease. `attempt` is the fencing token every later step must show."""

    id: UUID
    creator: str
    type: OrderType
    channel: NotificationChannel
    sending_time_policy: SendingTimePolicy | None
    requested_send_time: datetime
    condition_endpoint: str | None
    ignore_reservation: bool
    use_stale_contacts: bool
    resource_id: str | None
    resource_action: str | None
    part_count: int
    parts_done: int
    attempt: int
    failures: int
    condition_asked: int
    """Inconclusive answers of the condition endpoint in a row."""
    condition_unasked: int
    """How often that endpoint could not be asked."""
    trace_id: UUID | None
    """The trace of the request that placed it; None for orders of versions that kept none."""
    condition_host: int | None
    """What stands for the endpoint's host in `claim_conditional`."""

    @property
    def log_fields(self) -> dict[str, object]:
        """What every log line about this order names."""
        return {"order_id": self.id, "creator": self.creator, "trace_id": self.trace_id and self.trace_id.hex}


@dataclass(frozen=True, slots=True)
class OrderPart:
    """One part of an order to be expanded; `superseded` are absolute positions to be skipped."""

    order_id: UUID
    part: int
    texts: OrderTexts
    recipients: tuple[Recipient, ...]
    superseded: frozenset[int]


@dataclass(frozen=True, slots=True)
class Advance:
    """How far an order's expansion has come, with what the newly expanded parts add to its counters."""

    order_id: UUID
    attempt: int
    parts_done: int
    email_generated: int
    sms_generated: int
    pending: int


@dataclass(frozen=True, slots=True)
class Delay:
    """An order that cannot be processed before `until`, and why (no personal data)."""

    order: ClaimedOrder
    until: datetime
    trouble: str


class Queue(IntEnum):
    """Where an order waits to be processed; the numbers are those of the generated column."""

    Small = 0
    """One part, no condition."""
    Large = 1
    """Many parts, no condition."""
    Conditional = 2
    """A send condition must be asked first."""


class Cancellation(Enum):
    """What came of a request to cancel."""

    Done = auto()
    NotFound = auto()
    Refused = auto()


async def insert_many(pool: Pool | Connection, orders: Sequence[Order]) -> None:
    """Store orders of one part each in one commit. Safe to repeat with the same orders."""
    await placing.insert_orders(pool, orders)


async def insert_large(pool: Pool, order: Order) -> None:
    """Store an order of many parts, all or nothing, copying part after part."""
    superseded = placing.by_part(order.superseded)
    rest = enumerate(order.recipients[1:], start=1)
    async with pool.acquire() as connection, connection.transaction():
        await insert_many(connection, [order])
        await connection.execute(f"SET LOCAL statement_timeout = '{_LONGEST_COPY}s'")
        await connection.copy_records_to_table(
            "order_parts",
            columns=("order_id", "part", "recipients", "superseded"),
            records=((order.id, number, part.decode(), superseded.get(number)) for number, part in rest),
            timeout=_LONGEST_COPY,
        )


async def begin_instant(connection: Connection, order: Order, channel: Channel) -> None:
    """Make a stored order an instant one: Processed from the start, with one notification under way."""
    email = int(channel is Channel.Email)
    await connection.execute(
        _SQL["begin_instant"], order.id, OrderStatus.Processed, email, 1 - email, order.time_to_live_seconds
    )


async def statuses(pool: Pool, asked: Sequence[tuple[UUID, str]]) -> list[OrderState | None]:
    """Read the states of the orders asked for as (id, creator), in that order; None where there is none to see."""
    rows = await pool.fetch(_SQL["statuses"], [order_id for order_id, _ in asked], [creator for _, creator in asked])
    found = {(row["id"], row["creator"]): _state(row) for row in rows}
    return [found.get(key) for key in asked]


def _state(row: Record) -> OrderState:
    order_id, creator, reference, order_type, channel, status, *rest = row
    return OrderState(
        order_id, creator, reference, ORDER_TYPES[order_type], CHANNELS[channel], ORDER_STATUSES[status], *rest
    )


async def read(pool: Pool, order_id: UUID, creator: str) -> StoredOrder | None:
    """Read an order as its owner wrote it, with the recipients of its first part; the others by `later_recipients`."""
    row = await pool.fetchrow(_SQL["document"], order_id, creator)
    return _stored(row) if row else None


async def read_by_reference(pool: Pool, creator: str, reference: str) -> AsyncIterator[StoredOrder]:
    """Yield every order of `creator` with exactly this reference, oldest first."""
    after = _NIL
    while True:
        rows = await pool.fetch(_SQL["documents_by_reference"], creator, reference, after, _PAGE)
        for row in rows:
            yield _stored(row)
        if len(rows) < _PAGE:
            return
        after = rows[-1]["id"]


async def later_recipients(pool: Pool, order: StoredOrder) -> AsyncIterator[tuple[Recipient, ...]]:
    """Yield the recipients of the parts after the first, part by part."""
    for part in range(1, order.part_count):
        packed = await pool.fetchval(_SQL["recipients_of_part"], order.id, part)
        if packed is not None:
            yield unpack_recipients(packed)


def _stored(row: Record) -> StoredOrder:
    fields = dict(row)
    return StoredOrder(
        type=OrderType(fields.pop("type")),
        channel=NotificationChannel(fields.pop("channel")),
        status=OrderStatus(fields.pop("status")),
        requested_send_time_text=fields.pop("requested_text"),
        texts=_texts.decode(fields.pop("texts")),
        recipients=unpack_recipients(fields.pop("recipients")),
        **fields,
    )


async def cancel(pool: Pool, order_id: UUID, creator: str, *, now: datetime, closes_before: timedelta) -> Cancellation:
    """Cancel an order that is still Registered and more than `closes_before` from its send time (api.md 3.4).

    The row decides: claiming and cancelling lock the same row, so exactly one of them wins.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(_SQL["lock_for_cancel"], order_id, creator)
        if row is None:
            return Cancellation.NotFound
        if row["status"] == OrderStatus.Cancelled:
            return Cancellation.Done
        if row["requested_send_time"] <= now + closes_before or row["status"] != OrderStatus.Registered:
            return Cancellation.Refused
        await connection.execute(_SQL["cancel"], order_id, OrderStatus.Cancelled, now)
        await finals.forget_attachment_addresses(connection, [order_id])
        return Cancellation.Done


async def claim_due(
    pool: Pool, queue: Queue, *, now: datetime, lease: timedelta, look_ahead: timedelta, limit: int
) -> list[ClaimedOrder]:
    """Lease up to `limit` due orders of a queue without send conditions, oldest first."""
    rows = await pool.fetch(
        _SQL["claim_due"],
        now + look_ahead,
        now + lease,
        OrderStatus.Processing,
        limit,
        queue,
        now,
        OrderStatus.Registered,
    )
    return [_claimed(row) for row in rows]


async def claim_conditional(
    pool: Pool,
    *,
    now: datetime,
    lease: timedelta,
    look_ahead: timedelta,
    limit: int,
    at_host: int,
    under_way: Mapping[tuple[str, int], int],
) -> list[ClaimedOrder]:
    """Lease up to `limit` due orders with a send condition, of each creator at each host the oldest.

    `under_way` counts what the caller holds, by creator and `ClaimedOrder.condition_host`. No host gets more than
    `at_host` with it; creators share the `limit` places as `mechanisms.shared_places` says.
    """
    rows = await pool.fetch(
        _SQL["claim_conditional"],
        now + look_ahead,
        now + lease,
        OrderStatus.Processing,
        limit,
        now,
        OrderStatus.Registered,
        at_host,
        [creator for creator, _ in under_way],
        [host for _, host in under_way],
        list(under_way.values()),
        Queue.Conditional,
    )
    return [_claimed(row) for row in rows]


def _claimed(row: Record) -> ClaimedOrder:
    fields = dict(row)
    policy = fields.pop("sending_time_policy")
    return ClaimedOrder(
        type=OrderType(fields.pop("type")),
        channel=NotificationChannel(fields.pop("channel")),
        sending_time_policy=None if policy is None else SendingTimePolicy(policy),
        ignore_reservation=bool(fields.pop("ignore_reservation")),
        **fields,
    )


async def next_parts(pool: Pool, orders: Sequence[ClaimedOrder], *, at_most: int) -> list[OrderPart]:
    """Read up to `at_most` parts not yet expanded of each order, in order of parts."""
    rows = await pool.fetch(
        _SQL["next_parts"], [order.id for order in orders], [order.parts_done for order in orders], at_most
    )
    return [
        OrderPart(
            order_id=row["order_id"],
            part=row["part"],
            texts=_texts.decode(row["texts"]),
            recipients=unpack_recipients(row["recipients"]),
            superseded=frozenset(row["superseded"] or ()),
        )
        for row in rows
    ]


async def advance(
    connection: Connection, steps: Sequence[Advance], *, now: datetime, lease: timedelta
) -> dict[UUID, OrderStatus]:
    """Record how far orders have come and return those still held with their status.

    Call it before storing what was expanded. An order whose last part is done becomes Processed, or Completed where
    nothing can be sent (processing.md 1.9); for the latter `finals.record` is due in the same transaction.
    """
    rows = await connection.fetch(
        _SQL["advance"],
        [step.order_id for step in steps],
        [step.attempt for step in steps],
        [step.parts_done for step in steps],
        [step.email_generated for step in steps],
        [step.sms_generated for step in steps],
        [step.pending for step in steps],
        OrderStatus.Processing,
        OrderStatus.Processed,
        OrderStatus.Completed,
        now,
        now + lease,
    )
    return {row["id"]: OrderStatus(row["status"]) for row in rows}


async def renew(pool: Pool, orders: Sequence[ClaimedOrder], *, lease_until: datetime) -> None:
    """Keep the leases of those orders that are still held from running out while directories are asked."""
    held = sorted(orders, key=lambda order: order.id)  # locked in one order everywhere
    await pool.execute(
        _SQL["renew"],
        [order.id for order in held],
        [order.attempt for order in held],
        lease_until,
        OrderStatus.Processing,
    )


async def stop(connection: Connection, order: ClaimedOrder, *, now: datetime) -> bool:
    """End an order whose send condition was not met; False when the lease was lost."""
    row = await connection.fetchval(
        _SQL["stop"], order.id, order.attempt, OrderStatus.SendConditionNotMet, now, OrderStatus.Processing
    )
    await finals.record(connection, [] if row is None else [row], notifications=0)
    return row is not None


async def postpone(pool: Pool, delays: Sequence[Delay]) -> None:
    """Give orders back, each until its time and with its reason."""
    ordered = sorted(delays, key=lambda delay: delay.order.id)  # locked in one order everywhere
    await pool.execute(
        _SQL["postpone"],
        [delay.order.id for delay in ordered],
        [delay.order.attempt for delay in ordered],
        [delay.until for delay in ordered],
        [delay.trouble for delay in ordered],
        OrderStatus.Processing,
    )


async def ask_again(pool: Pool, order: ClaimedOrder, *, at: datetime, trouble: str) -> None:
    """Give an order back until `at`, when its condition is asked anew, with its counts as `order` has them.

    `trouble` says why it waits, naming the endpoint's host at most.
    """
    asked, unasked = order.condition_asked, order.condition_unasked
    await pool.execute(_SQL["ask_again"], order.id, order.attempt, at, asked, unasked, trouble, OrderStatus.Processing)
