"""Chunks: the unit of sending, leased as one; and the rest a provider may ask for a lane."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from varsel.model.lanes import Lane
from varsel.storage import queries
from varsel.storage.pool import Connection, Pool

_SQL = queries.texts("chunks")
_COLUMNS = ("id", "lane", "first_id", "last_id", "size", "due", "deadline", "instant")


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk to be stored; its notifications carry its id and lie between `first_id` and `last_id`.

    Without `due` nobody sends it; its notifications are decided at the deadline.
    """

    id: UUID
    lane: Lane
    first_id: UUID
    last_id: UUID
    size: int
    due: datetime | None
    deadline: datetime
    instant: bool = False
    """Whether it holds the message of an instant order."""


@dataclass(frozen=True, slots=True)
class LeasedChunk:
    """A chunk under lease. `attempt` is the fencing token.

    Rows up to `doubtful_through` may have reached the provider under an earlier lease that ran out;
    rows up to `intended_through` may be given to the provider in the first window without storing a further intent.
    """

    id: UUID
    size: int
    attempt: int
    doubtful_through: UUID | None
    intended_through: UUID | None


async def insert_many(connection: Connection, chunks: Sequence[NewChunk]) -> None:
    """Store chunks, in the transaction that stores their notifications."""
    records = [(c.id, c.lane, c.first_id, c.last_id, c.size, c.due, c.deadline, c.instant) for c in chunks]
    await connection.copy_records_to_table("chunks", columns=_COLUMNS, records=records)


async def claim(
    pool: Pool,
    lane: Lane,
    *,
    now: datetime,
    lease_until: datetime,
    chunks: int,
    notifications: int,
    window: int,
    take_over: bool = True,
) -> list[LeasedChunk]:
    """Lease chunks of a lane, longest due first, until about so many `notifications` or `chunks` are together.

    None are had while the lane rests. What fits into the first `window` rows is intended by being claimed. Chunks
    whose lease ran out are taken only with `take_over`.
    """
    rows = await pool.fetch(_SQL["claim"], lane, now, lease_until, chunks, notifications, window, take_over)
    return [LeasedChunk(*row.values()) for row in rows]


async def renew(pool: Pool, held: Sequence[LeasedChunk], *, lease_until: datetime) -> None:
    """Keep leases from running out while their work goes on."""
    await pool.execute(_SQL["renew"], [c.id for c in held], [c.attempt for c in held], lease_until)


async def intend(
    pool: Pool | Connection, windows: Sequence[tuple[LeasedChunk, UUID]], *, lease_until: datetime
) -> set[UUID]:
    """Store how far each chunk's rows are about to reach the provider; return the chunks still held."""
    rows = await pool.fetch(
        _SQL["intend"],
        [chunk.id for chunk, _ in windows],
        [chunk.attempt for chunk, _ in windows],
        [through for _, through in windows],
        lease_until,
    )
    return {row["id"] for row in rows}


async def hand_back(pool: Pool | Connection, chunks: Sequence[LeasedChunk], *, due: datetime) -> None:
    """End leases with rows unsent; they are claimable again from `due` on."""
    await pool.execute(_SQL["hand_back"], [c.id for c in chunks], [c.attempt for c in chunks], due)


async def hand_over(pool: Pool | Connection, chunks: Sequence[tuple[LeasedChunk, datetime | None]]) -> None:
    """End leases with every row recorded; each with the deadline of what it still awaits, or None for nothing."""
    await pool.execute(
        _SQL["hand_over"],
        [chunk.id for chunk, _ in chunks],
        [chunk.attempt for chunk, _ in chunks],
        [deadline for _, deadline in chunks],
    )


async def insert_held(
    connection: Connection, lane: Lane, notification_id: UUID, chunk_id: UUID, *, deadline: datetime
) -> LeasedChunk:
    """Store a chunk of one notification that the caller dispatches at once, and that nobody else ever will."""
    await connection.execute(_SQL["insert_held"], chunk_id, lane, notification_id, deadline)
    return LeasedChunk(chunk_id, 1, 1, None, notification_id)


async def move_rows(connection: Connection, moves: Sequence[tuple[UUID, LeasedChunk, UUID]]) -> None:
    """Move notifications (first) from their leased chunk to another one (last), which must span their ids.

    Where the lease was lost they stay: they are in the hands of the next holder.
    """
    await connection.execute(
        _SQL["move_rows"],
        [notification_id for notification_id, _, _ in moves],
        [source.id for _, source, _ in moves],
        [source.attempt for _, source, _ in moves],
        [target for _, _, target in moves],
    )


async def claim_overdue(
    connection: Connection, *, now: datetime, lease_until: datetime, limit: int, take_over: bool = True
) -> dict[UUID, Lane]:
    """Take chunks whose deadline has passed; until `lease_until` nobody else gets them.

    Those whose lease for sending ran out are taken only with `take_over`.
    """
    rows = await connection.fetch(_SQL["claim_overdue"], now, lease_until, limit, take_over)
    return {row["id"]: Lane(row["lane"]) for row in rows}


async def rearm(connection: Connection, deadlines: Sequence[tuple[UUID, datetime]]) -> None:
    """Set later deadlines for chunks that still await something."""
    await connection.execute(
        _SQL["rearm"], [chunk_id for chunk_id, _ in deadlines], [deadline for _, deadline in deadlines]
    )


async def remove(connection: Connection, chunk_ids: Sequence[UUID]) -> None:
    """Forget chunks with nothing left to await."""
    await connection.execute(_SQL["remove"], chunk_ids)


async def pause(pool: Pool | Connection, lane: Lane, *, until: datetime, reason: str) -> None:
    """Let a lane rest until `until`, for every process."""
    await pool.execute(_SQL["pause"], lane, until, reason)
