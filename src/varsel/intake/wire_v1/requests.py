"""Request shapes of the three v1 POST endpoints, with their rules (api.md 3.5 to 3.7)."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, TypeVar

from msgspec import UNSET, UnsetType

from varsel.intake.rules import action_problems, allowed_address, allowed_name, has_zone
from varsel.intake.shapes import Decoding, Shape, Streamed, UriText, member, not_blank, read_and_check, rule
from varsel.intake.shapes.body import LARGEST_BODY, Chunks
from varsel.intake.times import Moment
from varsel.intake.web_addresses import WEB_SCHEMES, read_web_address, without_surroundings
from varsel.intake.wire_v1.recipients import (
    Circumstances,
    RecipientCollector,
    RecipientParts,
    RecipientRequest,
)
from varsel.model.orders import ContentType, NotificationChannel
from varsel.orders.senders import ANY_SENDER, AllowedSenders

PAST_TOLERANCE: Final = timedelta(minutes=5)
"""How far in the past a v1 send time may lie (api.md 3.5)."""

_public_host = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}")
_control = re.compile(r"[\x00-\x1f\x7f]")


@rule()
def not_past(value: Moment, told: Circumstances) -> str | None:
    """Demand a time that is not past, apart from the tolerance."""
    return None if value.utc >= told.now - PAST_TOLERANCE else "The send time must not lie in the past."


@rule(format="uri")
def public_web_address(value: str, _told: Circumstances) -> str | None:
    """Demand an http(s) address whose host is a name with a top-level domain."""
    address = read_web_address(value)
    is_public = address and address.scheme in WEB_SCHEMES and _public_host.fullmatch(address.host)
    if is_public and not _control.search(without_surroundings(value)):
        return None
    return "The condition endpoint must be an absolute http or https address with a public host name."


@rule(minItems=1)
def at_least_one(value: RecipientParts, told: Circumstances) -> str | None:
    """Demand a recipient, if a channel was chosen."""
    return None if value.count or told.channel is None else "The order needs at least one recipient."


class V1Request(Shape, frozen=True):
    """What the three v1 orders have in common."""

    parameter: ClassVar[str]
    """The endpoint's parameter name (api.md 1.7)."""

    senders_reference: Annotated[str | None, member("The sender's own reference.")] = None
    requested_send_time: Annotated[
        Moment | UnsetType,
        member("When to send, with a time zone: at most five minutes in the past; now if absent.", has_zone, not_past),
    ] = UNSET
    condition_endpoint: Annotated[
        UriText | None,
        member(
            "An http or https address with a public host name, which is asked at the send time whether to send.",
            public_web_address,
        ),
    ] = None
    recipients: Annotated[
        RecipientParts,
        member("Whom to notify.", at_least_one, expected=True),
        Streamed(RecipientRequest, RecipientCollector),
    ] = RecipientParts()
    ignore_reservation: Annotated[
        bool | None, member("Notify persons reserved against digital contact too; false if absent.")
    ] = None
    resource_id: Annotated[str | None, member("The resource that the notification concerns.")] = None
    resource_action: Annotated[str | None, member("The action on the resource; needs `resourceId`.")] = None

    @property
    def scheme(self) -> NotificationChannel | None:
        """The channel scheme, None if the caller named none."""
        raise NotImplementedError

    def judge(self, _told: Circumstances) -> Iterator[tuple[str, str]]:
        """Demand that an action belongs to a resource."""
        return action_problems(self.resource_id, self.resource_action)


class EmailOrderRequest(V1Request, frozen=True):
    """An order that is sent by e-mail, from the service's default address."""

    parameter = "emailNotificationOrderRequest"

    subject: Annotated[str, member("The subject; newlines become spaces.", required=True)] = ""
    body: Annotated[str, member("The text.", required=True)] = ""
    content_type: Annotated[ContentType | None, member("Whether the body is plain text or HTML.")] = ContentType.Plain

    @property
    def scheme(self) -> NotificationChannel:
        """Always e-mail."""
        return NotificationChannel.Email


class SmsOrderRequest(V1Request, frozen=True):
    """An order that is sent by SMS."""

    parameter = "smsNotificationOrderRequest"

    body: Annotated[str, member("The text.", required=True)] = ""
    sender_number: Annotated[
        str | None, member("The sender; the service's default if absent or empty.", allowed_name)
    ] = None

    @property
    def scheme(self) -> NotificationChannel:
        """Always SMS."""
        return NotificationChannel.Sms


class EmailTemplate(Shape, frozen=True):
    """The e-mail text of an order."""

    from_address: Annotated[str, member("The sender; the service's default if empty.", allowed_address)] = ""
    subject: Annotated[str, member("The subject; newlines become spaces.", not_blank, expected=True)] = ""
    body: Annotated[str, member("The text.", not_blank, expected=True)] = ""
    content_type: Annotated[ContentType, member("Whether the body is plain text or HTML.")] = ContentType.Plain


class SmsTemplate(Shape, frozen=True):
    """The SMS text of an order."""

    sender_number: Annotated[str, member("The sender; the service's default if empty.", allowed_name)] = ""
    body: Annotated[str, member("The text.", not_blank, expected=True)] = ""


class OrderRequest(V1Request, frozen=True):
    """An order whose sender chooses the channel; each channel that it may use needs its template.

    Without a channel neither recipients nor the presence of templates are judged (api.md 3.6).
    """

    parameter = "notificationOrderRequest"

    notification_channel: Annotated[
        NotificationChannel | None, member("By which channel recipients are notified.", expected=True)
    ] = None
    email_template: Annotated[EmailTemplate | None, member("The e-mail; needed unless the channel is `Sms`.")] = None
    sms_template: Annotated[SmsTemplate | None, member("The SMS; needed unless the channel is `Email`.")] = None

    @property
    def scheme(self) -> NotificationChannel | None:
        """What the caller chose."""
        return self.notification_channel

    def judge(self, told: Circumstances) -> Iterator[tuple[str, str]]:
        """Demand a channel scheme and its templates."""
        yield from V1Request.judge(self, told)
        if self.notification_channel is None:
            yield "notification_channel", "A notification channel must be chosen."
        if self.email_template is None and told.uses_email:
            yield "email_template", "An e-mail template is needed for the chosen channel."
        if self.sms_template is None and told.uses_sms:
            yield "sms_template", "An SMS template is needed for the chosen channel."


R = TypeVar("R", bound=V1Request)


async def read_order(
    shape: type[R],
    body: Chunks,
    now: datetime,
    decoder: Decoding | None = None,
    largest: int = LARGEST_BODY,
    *,
    senders: AllowedSenders = ANY_SENDER,
) -> R:
    """Read the body of a v1 POST and hold it to all its rules.

    `body` is the bytes or the stream of the request, `decoder` comes from `shapes.decoder_for`; `senders` are those the
    creator may use. Raises `Invalid` with
    the errors of the 400 document, and `BodyTooLarge` if there are more than `largest` bytes.
    """

    def circumstances(request: R) -> Circumstances:
        return Circumstances.of(now, request.scheme, senders)

    return await read_and_check(shape, body, shape.parameter, circumstances, decoder, largest)
