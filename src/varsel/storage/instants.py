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
class HeldNotification:
    """The notification of an instant order, in the hands of who stored it and of nobody else."""

    id: UUID
    chunk: LeasedChunk
    expiry: datetime


async def insert(
    pool: Pool, chain: Chain, channel: Channel, address: str, *, expiry: datetime, deadline: datetime
) -> HeldNotification | KnownChain:
    """Store an instant order in one commit, ready to be dispatched; or return the one that has the idempotency id."""
    async with pool.acquire() as connection, connection.transaction():
        if await chains.insert_heads(connection, [chain]):
            return await _insert_order(connection, chain, channel, address, expiry, deadline)
        (known,) = await chains.find(connection, [(chain.creator, chain.family, chain.idempotency_id)])
    # Released by its holder between our two statements: then nothing holds the id, and we try again.
    return known or await insert(pool, chain, channel, address, expiry=expiry, deadline=deadline)


async def _insert_order(
    connection: Connection, chain: Chain, channel: Channel, address: str, expiry: datetime, deadline: datetime
) -> HeldNotification:
    order = chain.main
    notification_id, chunk_id = new_id(), new_id()
    await orders.insert_many(connection, [order])
    await orders.begin_instant(connection, order, channel)
    row = (notification_id, order.id, chunk_id, channel, NEW[channel], order.created, expiry, address)
    await notifications.insert_many(connection, [(*row, None, None, None, None)])
    lane = Lane.Email if channel is Channel.Email else Lane.SmsAnytime
    chunk = await chunks.insert_held(connection, lane, notification_id, chunk_id, deadline=deadline)
    return HeldNotification(notification_id, chunk, expiry)
