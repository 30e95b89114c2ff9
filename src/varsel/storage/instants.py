"""Instant orders: stored with their one notification before it is dispatched (processing.md W8)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from varsel.model.chains import Chain
from varsel.model.ids import new_id
from varsel.model.lanes import Lane
from varsel.model.results import NEW, Channel
from varsel.storage import chains, chunks, notifications, orders
from varsel.storage.chains import KnownChain
from varsel.storage.chunks import LeasedChunk
from varsel.storage.pool import Connection, Pool


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


async def insert(pool: Pool, chain: Chain, notification: InstantNotification) -> HeldNotification | KnownChain:
    """Store an instant order in one commit, ready to be dispatched; or return the one that has the idempotency id."""
    async with pool.acquire() as connection, connection.transaction():
        if await chains.insert(connection, [chain]):
            return await _begin(connection, chain, notification)
        (known,) = await chains.find(connection, [(chain.creator, chain.family, chain.idempotency_id)])
    # Released by its holder between our two statements: then nothing holds the id, and we try again.
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
