"""What the sandbox channels were given, kept for the inbox page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from asyncpg import Record

from varsel.model.orders import ContentType
from varsel.model.results import Channel
from varsel.storage import queries
from varsel.storage.pool import Pool

_SQL = queries.load("sandbox")
_COLUMNS = (
    "id",
    "notification_id",
    "channel",
    "attempt",
    "kept",
    "recipient",
    "sender",
    "subject",
    "body",
    "content_type",
    "attachments",
)
_LAST = UUID(int=(1 << 128) - 1)

KeptRow = tuple[UUID, UUID, int, int, datetime, str, str, str | None, str, int | None, str | None]
"""A message to be kept, in the order of `_COLUMNS`; its files as a JSON array of `KeptFile`, None where it has none."""


class KeptFile(NamedTuple):
    """What is kept of an attachment; `size` in bytes."""

    filename: str
    mime_type: str
    size: int


_files = msgspec.json.Decoder(tuple[KeptFile, ...])


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A message as the sandbox was given it."""

    id: UUID
    notification_id: UUID
    channel: Channel
    attempt: int
    kept: datetime
    recipient: str
    sender: str
    subject: str | None
    body: str
    content_type: ContentType | None
    attachments: tuple[KeptFile, ...]


async def keep(pool: Pool, rows: Sequence[KeptRow]) -> None:
    """Copy messages in."""
    await pool.copy_records_to_table("sandbox_messages", columns=_COLUMNS, records=rows)


async def newest(
    pool: Pool, *, before: UUID | None = None, recipient: str | None = None, limit: int
) -> list[KeptMessage]:
    """Read the newest messages, newest first; of one recipient where given."""
    if recipient is None:
        rows = await pool.fetch(*_SQL["newest"].of(before=before or _LAST, limit=limit))
    else:
        statement = _SQL["to_recipient"].of(recipient=recipient, before=before or _LAST, limit=limit)
        rows = await pool.fetch(*statement)
    return [_kept(row) for row in rows]


def _kept(row: Record) -> KeptMessage:
    fields = dict(row)
    content_type = fields.pop("content_type")
    attachments = fields.pop("attachments")
    return KeptMessage(
        channel=Channel(fields.pop("channel")),
        content_type=None if content_type is None else ContentType(content_type),
        attachments=() if attachments is None else _files.decode(attachments),
        **fields,
    )
