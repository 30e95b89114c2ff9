"""What a provider is to the rest of Varsel: messages in, one outcome for each.

The outcome says what is *known*; what follows from it (result, retry, pause) is decided in `delivery`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from varsel.model.orders import Attachment, ContentType
from varsel.model.outcomes import Accepted, Outcome, Settled, Transient, Unknown
from varsel.model.results import Result

__all__ = [
    "Accepted",
    "Capabilities",
    "EmailMessage",
    "File",
    "Outcome",
    "Provider",
    "Report",
    "Settle",
    "Settled",
    "SmsMessage",
    "Transient",
    "Unknown",
]


@dataclass(frozen=True, slots=True)
class File:
    """An attachment, already fetched, in the form in which mail carries it: it is large, and held in no other."""

    filename: str
    mime_type: str
    base64: Sequence[bytes] = field(repr=False)
    """The content in lines of Base64 (RFC 2045 section 6.8), in pieces that end with a line."""
    size: int
    """Octets of the content itself."""


@dataclass(frozen=True, slots=True)
class EmailMessage:
    """One e-mail to one address. `attempt` counts hand-overs of this notification, from 1.

    `attachments` are still to be fetched, which `channels.attachments` does; other providers send `files`.
    """

    notification_id: UUID
    to_address: str
    from_address: str
    subject: str
    body: str
    content_type: ContentType
    attempt: int = 1
    attachments: tuple[Attachment, ...] = ()
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class SmsMessage:
    """One SMS to one number; `time_to_live` is what the gateway is told, counted from hand-over."""

    notification_id: UUID
    recipient: str
    sender: str
    body: str
    time_to_live: timedelta
    attempt: int = 1


Message_contra = TypeVar("Message_contra", EmailMessage, SmsMessage, contravariant=True)

Settle = Callable[[int, Outcome], None]
"""Called by a provider once for each message, with its position in the sequence, as soon as its outcome is known."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the worker must know of a provider.

    `window` is the number of messages worth having in flight at once; it bounds what a crash can repeat.
    `reports` tells whether delivery reports will arrive; without them delivery is assumed after a settable time.
    """

    window: int
    reports: bool


class Provider(Protocol[Message_contra]):
    """One way out. Implementations own their connections, time-outs, size limits and breaker."""

    name: str

    @property
    def capabilities(self) -> Capabilities:
        """What the worker must know; the window may change with the rate at which the provider takes messages."""
        ...

    async def send(self, messages: Sequence[Message_contra], settle: Settle) -> None:
        """Hand over `messages`, calling `settle(position, outcome)` exactly once for each.

        Failures of the provider are outcomes, never exceptions. A message not settled when this returns or raises
        counts as `Unknown`.
        """
        ...

    async def check(self) -> str:
        """Reach the provider without sending anything and say in one sentence what was found.

        Raises `ProviderUnreachable` with what to do next.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. Called once, after the last `send` has returned."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What a delivery report says: by `reference` or `notification_id`, a result, or None for 'no change'.

    `raw` is the report as it arrived, JSON text, kept with the notification.
    """

    reference: str | None
    notification_id: UUID | None
    result: Result | None
    raw: str
    at: datetime | None = None
