"""From a v1 request that passed all rules to the order that is stored (api.md 3.5, text treatment)."""

from collections.abc import Generator
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from varsel.intake.shapes.body import breathing
from varsel.intake.times import write_time
from varsel.intake.wire_v1.recipients import PREFERRED
from varsel.intake.wire_v1.requests import EmailOrderRequest, OrderRequest, SmsOrderRequest, V1Request
from varsel.model.clock import LATEST
from varsel.model.orders import (
    ContentType,
    EmailText,
    NotificationChannel,
    Order,
    OrderTexts,
    OrderType,
    Recipient,
    SmsText,
    pack_recipients,
    unpack_recipients,
)
from varsel.orders.texts import Defaults, one_line

_ORGANISATIONS: Final = 10**11
"""Added to organisation numbers, so that as integers they differ from all national identity numbers."""

_PLACES_PER_RECIPIENT: Final = 8
"""Bytes of the table in which identifiers that may occur twice are found; one in sixteen is suspected in vain."""


async def to_order(
    request: V1Request,
    *,
    order_id: UUID,
    creator: str,
    now: datetime,
    defaults: Defaults,
    trace_id: UUID | None = None,
) -> Order:
    """Make the order of a request that passed all rules; `now` is its registration time."""
    channel = request.scheme
    if channel is None:
        raise ValueError("a request without a channel scheme breaks a rule and becomes no order")
    recipients = list(request.recipients.parts)
    superseded: set[int] = set()
    if not isinstance(request, OrderRequest):
        await breathing(_drop_foreign_addresses(recipients, channel))
    if channel in PREFERRED:
        await breathing(_find_superseded(recipients, request.recipients.count, superseded))
    moment = request.requested_send_time
    return Order(
        id=order_id,
        creator=creator,
        type=OrderType.Notification,
        channel=channel,
        created=now,
        requested_send_time=now if isinstance(moment, msgspec.UnsetType) else min(moment.utc, LATEST),
        requested_send_time_text=write_time(now) if isinstance(moment, msgspec.UnsetType) else moment.text,
        texts=_texts(request, defaults),
        recipients=tuple(recipients),
        recipient_count=request.recipients.count,
        senders_reference=request.senders_reference,
        condition_endpoint=request.condition_endpoint,
        ignore_reservation=request.ignore_reservation,
        resource_id=request.resource_id,
        resource_action=request.resource_action,
        superseded=frozenset(superseded),
        trace_id=trace_id,
    )


def _texts(request: V1Request, defaults: Defaults) -> OrderTexts:
    if isinstance(request, EmailOrderRequest):
        content_type = ContentType.Plain if request.content_type is None else request.content_type
        return OrderTexts(email=EmailText(defaults.from_address, one_line(request.subject), request.body, content_type))
    if isinstance(request, SmsOrderRequest):
        return OrderTexts(sms=SmsText(request.sender_number or defaults.sms_sender, request.body))
    if isinstance(request, OrderRequest):
        return OrderTexts(email=_email_text(request, defaults), sms=_sms_text(request, defaults))
    raise TypeError(f"{type(request).__name__} is no v1 order")


def _email_text(request: OrderRequest, defaults: Defaults) -> EmailText | None:
    template = request.email_template
    if template is None:
        return None
    sender = template.from_address or defaults.from_address
    return EmailText(sender, one_line(template.subject), template.body, template.content_type)


def _sms_text(request: OrderRequest, defaults: Defaults) -> SmsText | None:
    template = request.sms_template
    return None if template is None else SmsText(template.sender_number or defaults.sms_sender, template.body)


def _drop_foreign_addresses(parts: list[bytes], channel: NotificationChannel) -> Generator[None, None, None]:
    """Take out, in place, the addresses that the channel's own endpoint ignores (api.md 3.7)."""
    attribute = "mobile_number" if channel is NotificationChannel.Email else "email_address"
    for index, part in enumerate(parts):
        recipients = unpack_recipients(part)
        if any(getattr(recipient, attribute) is not None for recipient in recipients):
            parts[index] = pack_recipients(
                [msgspec.structs.replace(recipient, **{attribute: None}) for recipient in recipients]
            )
        yield


def _find_superseded(parts: list[bytes], count: int, superseded: set[int]) -> Generator[None, None, None]:
    """Add the positions of recipients whose identifier occurs again later, going through them backwards."""
    doubtful: set[int] = set()
    yield from _find_doubtful(parts, count, doubtful)
    if not doubtful:
        return
    seen: set[int] = set()
    position = count
    for part in reversed(parts):
        for recipient in reversed(unpack_recipients(part)):
            position -= 1
            identity = _identity(recipient)
            if identity in seen:
                superseded.add(position)
            elif identity in doubtful:
                seen.add(identity)
        yield


def _find_doubtful(parts: list[bytes], count: int, doubtful: set[int]) -> Generator[None, None, None]:
    """Add the identifiers that may occur twice; a set of all of them would outweigh the order itself."""
    places = _PLACES_PER_RECIPIENT * count + 1
    taken = bytearray(places)
    for part in parts:
        for recipient in unpack_recipients(part):
            identity = _identity(recipient)
            if identity is not None:
                place = identity % places
                if taken[place]:
                    doubtful.add(identity)
                taken[place] = 1
        yield


def _identity(recipient: Recipient) -> int | None:
    """Return the recipient's identifier as an integer: far smaller in memory than its text."""
    if recipient.national_identity_number:
        return int(recipient.national_identity_number)
    if recipient.organization_number:
        return _ORGANISATIONS + int(recipient.organization_number)
    return None
