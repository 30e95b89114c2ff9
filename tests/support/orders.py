"""Orders for tests, with synthetic recipients."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from varsel.intake.times import write_time
from varsel.model.ids import new_id
from varsel.model.orders import (
    RECIPIENTS_PER_PART,
    EmailText,
    NotificationChannel,
    Order,
    OrderTexts,
    OrderType,
    Recipient,
    SmsText,
    pack_recipients,
)

TEXTS = OrderTexts(
    email=EmailText(from_address="noreply@example.no", subject="Subject", body="Body"),
    sms=SmsText(sender_number="Varsel", body="Text"),
)


def make_order(
    recipients: Sequence[Recipient],
    now: datetime,
    *,
    channel: NotificationChannel = NotificationChannel.Email,
    send_at: datetime | None = None,
    **members: Any,
) -> Order:
    """Make an order of creator `ttd` to these recipients, due now unless told otherwise."""
    due = send_at or now
    parts = [
        pack_recipients(list(recipients[start : start + RECIPIENTS_PER_PART]))
        for start in range(0, len(recipients), RECIPIENTS_PER_PART)
    ]
    settled: dict[str, Any] = {
        "id": new_id(),
        "creator": "ttd",
        "type": OrderType.Notification,
        "channel": channel,
        "created": now,
        "requested_send_time": due,
        "requested_send_time_text": write_time(due),
        "texts": TEXTS,
        "recipients": tuple(parts),
        "recipient_count": len(recipients),
    }
    return Order(**(settled | members))


def emails(*local_parts: str) -> list[Recipient]:
    """Make one recipient for each local part at example.com."""
    return [Recipient(email_address=f"{local}@example.com") for local in local_parts]


def many(count: int) -> list[Recipient]:
    """Make so many different e-mail recipients."""
    return emails(*(f"user{number}" for number in range(count)))


def numbers(*mobile_numbers: str) -> list[Recipient]:
    """Make one recipient for each mobile number."""
    return [Recipient(mobile_number=number) for number in mobile_numbers]
