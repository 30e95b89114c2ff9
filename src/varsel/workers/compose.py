"""The provider's message from a notification and its order's texts."""

from datetime import datetime, timedelta

from varsel.channels.protocol import EmailMessage, SmsMessage
from varsel.errors import StorageError
from varsel.model.orders import OrderTexts
from varsel.storage.notifications import Unsent

_GATEWAY_LIFETIME = timedelta(hours=48)
"""What the gateway is told for an ordinary SMS, counted from hand-over (processing.md 4.4)."""


def email(row: Unsent, texts: OrderTexts, attempt: int, _now: datetime) -> EmailMessage:
    """Make the e-mail of a notification; its own texts go before the order's."""
    text = texts.email
    if text is None:
        raise StorageError(f"Order {row.order_id} has e-mail notifications but no e-mail text; restore it from backup.")
    return EmailMessage(
        row.id,
        row.address,
        text.from_address,
        text.subject if row.subject is None else row.subject,
        text.body if row.body is None else row.body,
        text.content_type,
        attempt,
        texts.attachments,
    )


def sms(row: Unsent, texts: OrderTexts, attempt: int, now: datetime) -> SmsMessage:
    """Make the SMS of a notification; its own text goes before the order's."""
    text = texts.sms
    if text is None:
        raise StorageError(f"Order {row.order_id} has SMS notifications but no SMS text; restore it from backup.")
    body = text.body if row.body is None else row.body
    lifetime = row.expiry - now if row.instant else _GATEWAY_LIFETIME
    return SmsMessage(row.id, row.address, text.sender_number, body, lifetime, attempt)
