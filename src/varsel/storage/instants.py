"""Instant orders: stored with their one notification before it is dispatched (processing.md W8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

from varsel.model.chains import Chain
from varsel.model.ids import new_id
from varsel.model.lanes import Lane
from varsel.model.results import NEW, Channel
from varsel.storage import chains, chunks, notifications, orders, queries
from varsel.storage.chains import KnownChain
from varsel.storage.chunks import LeasedChunk
from varsel.storage.pool import Connection, Pool

_SQL = queries.load("instants")

LONGEST_HAND_OVER = timedelta(minutes=5)
"""No provider's time-outs allow a hand-over to take so long: one that is older has lost its process."""


@dataclass(frozen=True, slots=True)
class InstantNotification:
    """The one notification of an instant order, as it is to be stored; at `deadline` it is decided at the latest."""

    channel: Channel
    address: str
    expiry: datetime
    deadline: datetime
    segments: int | None


@dataclass(frozen=True, slots=True)
class HeldNotification:
    """The notification of an instant order, in the hands of who stored it and of nobody else."""

    id: UUID
    chunk: LeasedChunk
    expiry: datetime


class HandOver(Enum):
    """How far the hand-over of an instant order has come."""

    Open = auto()
    """The provider is being asked, by the process that stored the order; or that process died a moment ago."""
    Closed = auto()
    """Its outcome is recorded, or will never be known."""
    Forgotten = auto()
    """Nobody was reached, and the order is gone: its idempotency id is free."""


async def insert(pool: Pool, chain: Chain, notification: InstantNotification) -> HeldNotification | KnownChain:
    """Store an instant order in one commit, ready to be dispatched; or return the one that has the idempotency id."""
    async with pool.acquire() as connection, connection.transaction():
        if await chains.insert(connection, [chain]):
            return await _begin(connection, chain, notification)
        (known,) = await chains.find(connection, [(chain.creator, chain.family, chain.idempotency_id)])
    # Forgotten by its holder between our two statements: then nothing holds the id, and we try again.
    return known or await insert(pool, chain, notification)


async def _begin(connection: Connection, chain: Chain, notification: InstantNotification) -> HeldNotification:
    order, channel = chain.main, notification.channel
    notification_id, chunk_id = new_id(), new_id()
    await orders.begin_instant(connection, order, channel)
    row = (
        notification_id,
        order.id,
        chunk_id,
        channel,
        NEW[channel],
        order.created,
        notification.expiry,
        notification.address,
        None,
        None,
        None,
        None,
        notification.segments,
        None,
    )
    await notifications.insert_many(connection, [row])
    lane = Lane.Email if channel is Channel.Email else Lane.SmsAnytime
    chunk = await chunks.insert_held(connection, lane, notification_id, chunk_id, deadline=notification.deadline)
    return HeldNotification(notification_id, chunk, notification.expiry)


async def hand_over_of(pool: Pool, order_id: UUID, *, now: datetime) -> HandOver:
    """Tell how far the hand-over of an instant order has come."""
    row = await pool.fetchrow(*_SQL["hand_over"].of(order_id=order_id))
    if row is None:
        return HandOver.Forgotten
    undecided = row["attempts"] == 0 and row["result"] == NEW[Channel(row["channel"])]
    return HandOver.Open if undecided and now - row["created"] < LONGEST_HAND_OVER else HandOver.Closed


async def forget(connection: Connection, chain: Chain) -> None:
    """Remove an instant order of which nobody was ever told, so that nothing of it is to be seen."""
    await connection.execute(*_SQL["forget"].of(order_id=chain.main.id))
    await connection.execute(*_SQL["forget_chain"].of(chain_id=chain.id))
