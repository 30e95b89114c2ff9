"""Orders as values: what a caller asked for, free of how it travelled and how it is stored.

Numbers of the enumerations are wire constants (api.md, sections 4.1 and 4.2).
"""

from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

import msgspec


class NotificationChannel(IntEnum):
    """By which channel recipients are notified. `EmailPreferred` is e-mail, or SMS where there is no e-mail address;
    `SmsPreferred` is SMS, or e-mail where there is no mobile number; `EmailAndSms` is both.

    Members carry their wire names (api.md 4.1).
    """

    Email = 0
    Sms = 1
    EmailPreferred = 2
    SmsPreferred = 3
    EmailAndSms = 4


class ContentType(IntEnum):
    """Whether the body of an e-mail is plain text or HTML."""

    Plain = 0
    Html = 1


class SendingTimePolicy(IntEnum):
    """When a notification may be sent: at any time of the day, or in the daytime only, by default 9 to 17 in Oslo.

    The window is that of processing.md 4.3.
    """

    Anytime = 1
    Daytime = 2


class OrderType(IntEnum):
    """How an order was placed: as a notification, a reminder, an instant message, or an e-mail with attachments."""

    Notification = 0
    Reminder = 1
    Instant = 2
    Composed = 3


class OrderStatus(IntEnum):
    """Where an order stands.

    Numbers and meanings are those of api.md 4.2; the legal steps between them are in `model.states`.
    """

    Registered = 0
    Processing = 1
    Completed = 2
    SendConditionNotMet = 3
    Cancelled = 4
    Processed = 5


class RecipientLookupStatus(IntEnum):
    """Whether all looked-up recipients can be reached, some of them, or none.

    It is the verdict of the look-up made at registration (api.md 3.5).
    """

    Success = 0
    PartialSuccess = 1
    Failed = 2


class Recipient(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", gc=False):
    """Whom the caller named, exactly as given; addresses found by look-up never enter here."""

    email_address: str | None = None
    mobile_number: str | None = None
    organization_number: str | None = None
    national_identity_number: str | None = None
    external_identity: str | None = None


class EmailText(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The e-mail text of an order; `from_address` is never empty, the default is filled in at registration."""

    from_address: str
    subject: str
    body: str
    content_type: ContentType = ContentType.Plain


class SmsText(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The SMS text of an order; `sender_number` is never empty, the default is filled in at registration."""

    sender_number: str
    body: str


class Attachment(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A file of a composed e-mail, fetched from its pre-signed address when the e-mail is sent.

    The address is a secret: it is forgotten, that is empty, once the order has ended.
    """

    filename: str
    mime_type: str
    sas_url: str = ""


class OrderTexts(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What an order says. Stored as one JSON document beside the order."""

    email: EmailText | None = None
    sms: SmsText | None = None
    attachments: tuple[Attachment, ...] = ()


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One message intent, ready to be stored.

    `senders_reference` is as sent, also when it is blank; some documents leave a blank one out (api.md 3.5).
    `requested_send_time_text` keeps the caller's 100 ns precision (api.md 1.5), which `datetime` cannot.
    `recipients` holds the recipients in parts of at most `RECIPIENTS_PER_PART`, each part a JSON array of
    `Recipient`, so that an order of hundreds of thousands never stands unpacked in memory.
    `superseded` are positions of recipients whose identifier occurs again later in the order; the preferred
    schemes skip them (processing.md 2.6, last occurrence wins).
    `trace_id` is that of the request that placed the order, for log lines about it.
    `time_to_live_seconds` is named by the callers of instant SMS; others live as long as `schedule.expiry` says.
    """

    id: UUID
    creator: str
    type: OrderType
    channel: NotificationChannel
    created: datetime
    requested_send_time: datetime
    requested_send_time_text: str
    texts: OrderTexts
    recipients: tuple[bytes, ...]
    recipient_count: int
    senders_reference: str | None = None
    sending_time_policy: SendingTimePolicy | None = None
    condition_endpoint: str | None = None
    ignore_reservation: bool | None = None
    resource_id: str | None = None
    resource_action: str | None = None
    use_stale_contact_information: bool = False
    superseded: frozenset[int] = frozenset()
    chain_id: UUID | None = None
    time_to_live_seconds: int | None = None
    trace_id: UUID | None = None


RECIPIENTS_PER_PART = 500
"""Recipients in one stored part: the unit in which an order is read back, resolved and expanded."""

_recipients_decoder = msgspec.json.Decoder(tuple[Recipient, ...])
_encoder = msgspec.json.Encoder()


def pack_recipients(recipients: list[Recipient]) -> bytes:
    """Write one part of an order's recipients as compact JSON."""
    return _encoder.encode(recipients)


def unpack_recipients(part: bytes | str) -> tuple[Recipient, ...]:
    """Read one part written by `pack_recipients`."""
    return _recipients_decoder.decode(part)


def to_json(value: Any) -> bytes:
    """Write a model value as compact JSON for storage."""
    return _encoder.encode(value)
