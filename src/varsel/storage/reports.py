"""The raw inbox of delivery reports: kept as they arrive, applied in sets, waiting while their reference is unknown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from varsel.model.ids import new_id
from varsel.model.results import Channel, Result
from varsel.storage import queries
from varsel.storage.pool import Connection, Pool

_SQL = queries.texts("reports")


@dataclass(frozen=True, slots=True)
class ArrivedReport:
    """A delivery report to be kept; `result` None is news without consequence, such as 'en route'."""

    channel: Channel
    reference: str | None
    notification_id: UUID | None
    result: Result | None
    raw: str
    provider: str | None = None
    """Who sent it; None if only ids are given, or if references are the same for all providers of the channel."""


@dataclass(frozen=True, slots=True)
class ClaimedReport:
    """A kept report whose turn it is."""

    id: UUID
    channel: Channel
    reference: str | None
    notification_id: UUID | None
    result: Result | None
    received: datetime
    attempts: int
    provider: str | None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What became of a report; with `due` it is looked at again, without it is done."""

    report_id: UUID
    outcome: str | None
    notification_id: UUID | None = None
    due: datetime | None = None


async def keep(pool: Pool, reports: Sequence[ArrivedReport], *, now: datetime) -> None:
    """Store reports as they arrived; only then may their sender be told OK."""
    await pool.execute(
        _SQL["keep"],
        [new_id() for _ in reports],
        [report.channel for report in reports],
        [report.reference for report in reports],
        [report.notification_id for report in reports],
        [report.result for report in reports],
        [report.raw for report in reports],
        [report.provider for report in reports],
        now,
    )


async def claim(connection: Connection, *, now: datetime, lease_until: datetime, limit: int) -> list[ClaimedReport]:
    """Take reports whose turn it is; until `lease_until` nobody else gets them."""
    rows = await connection.fetch(_SQL["claim"], now, lease_until, limit)
    return [
        ClaimedReport(
            id=row["id"],
            channel=Channel(row["channel"]),
            reference=row["reference"],
            notification_id=row["notification_id"],
            result=None if row["result"] is None else Result(row["result"]),
            received=row["received"],
            attempts=row["attempts"],
            provider=row["provider"],
        )
        for row in rows
    ]


async def conclude(connection: Connection, conclusions: Sequence[Conclusion]) -> None:
    """Record what became of reports."""
    await connection.execute(
        _SQL["conclude"],
        [c.report_id for c in conclusions],
        [c.due for c in conclusions],
        [c.outcome for c in conclusions],
        [c.notification_id for c in conclusions],
    )


async def hasten(connection: Connection, references: Sequence[str], *, now: datetime) -> None:
    """Let reports that waited for these references be applied now."""
    await connection.execute(_SQL["hasten"], references, now)
