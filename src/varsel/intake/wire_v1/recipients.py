"""Recipients of v1 orders: one shape, its rules, and the packed form in which hundreds of thousands are held."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from varsel.intake.rules import digits
from varsel.intake.shapes import Rule, Shape, member, rule
from varsel.model.addresses import EMAIL_PATTERN, is_email_address, is_mobile_number
from varsel.model.orders import RECIPIENTS_PER_PART, NotificationChannel, Recipient
from varsel.orders.senders import ANY_SENDER, AllowedSenders

PREFERRED: Final = frozenset(
    {NotificationChannel.EmailPreferred, NotificationChannel.SmsPreferred, NotificationChannel.EmailAndSms}
)
"""Schemes in which both kinds of address count.

`EmailAndSms` is held to the same rules (api.md 5, item 24, recommends it). A recipient with a direct address of one
kind only is accepted under it as under the others: at processing the other channel then reports that nobody was
identified, just as it does for a person of whom only one address is known (processing.md 2.8).
"""

USES_EMAIL: Final = PREFERRED | {NotificationChannel.Email}
USES_SMS: Final = PREFERRED | {NotificationChannel.Sms}


class Circumstances(NamedTuple):
    """What rules of phase B look at besides the value: the time, the order's channel scheme, senders.

    `channel` is None if the caller chose none; then recipients are not judged (api.md 3.6).
    """

    now: datetime
    channel: NotificationChannel | None
    uses_email: bool
    uses_sms: bool
    senders: AllowedSenders = ANY_SENDER

    @classmethod
    def of(
        cls, now: datetime, channel: NotificationChannel | None, senders: AllowedSenders = ANY_SENDER
    ) -> "Circumstances":
        """Return the circumstances of an order judged at `now`, whose creator may use `senders`."""
        return cls(now, channel, channel in USES_EMAIL, channel in USES_SMS, senders)


@rule(pattern=f"^({EMAIL_PATTERN})?$", format="email")
def valid_email(value: str, told: Circumstances) -> str | None:
    """Hold an e-mail address to the e-mail rule, if the channel uses it."""
    if not value or not told.uses_email or is_email_address(value):
        return None
    return "The e-mail address is not valid."


@rule(pattern=r"^((\+|00)[0-9 ]+)?$")
def valid_number(value: str, told: Circumstances) -> str | None:
    """Hold a mobile number to the mobile rule, if the channel uses it."""
    if not value or not told.uses_sms or is_mobile_number(value):
        return None
    return "The mobile number is not valid; write it in international form, such as +4799999999."


def _digits_unless_unjudged(count: int, what: str) -> Rule:
    """Return the rule that a value is empty or exactly `count` digits, if a channel was chosen."""
    exactly = digits(count, what, or_empty=True)

    @rule(**exactly.schema)
    def if_judged(value: str, told: Circumstances) -> str | None:
        return None if told.channel is None else exactly.broken(value, told)

    return if_judged


class RecipientRequest(Shape, frozen=True, omit_defaults=True, gc=False):
    """Whom to notify: a person, an organisation, or addresses that the sender knows."""

    email_address: Annotated[str | None, member("E-mail address, used as written.", valid_email)] = None
    mobile_number: Annotated[str | None, member("Mobile number in international form.", valid_number)] = None
    organization_number: Annotated[
        str | None,
        member("Organisation number, 9 digits.", _digits_unless_unjudged(9, "An organisation number")),
    ] = None
    national_identity_number: Annotated[
        str | None,
        member("National identity number, 11 digits.", _digits_unless_unjudged(11, "A national identity number")),
    ] = None
    is_reserved: Annotated[bool | None, member("Ignored.")] = None

    def judge(self, told: Circumstances) -> Iterator[tuple[str, str]]:
        """Demand that the recipient can be reached on the channel, and is named in one way only."""
        if told.channel is None:
            return
        person, organisation = self.national_identity_number, self.organization_number
        if not (person or organisation or self._has_address(told.channel)):
            yield "", f"The recipient needs {_needed(told.channel)}."
        if person and (organisation or self.email_address or self.mobile_number):
            yield "", "A national identity number must not be combined with other identifiers or addresses."
        if organisation and (person or self.email_address or self.mobile_number):
            yield "", "An organisation number must not be combined with other identifiers or addresses."

    def _has_address(self, channel: NotificationChannel) -> bool:
        return bool(
            (self.email_address and channel is not NotificationChannel.Sms)
            or (self.mobile_number and channel is not NotificationChannel.Email)
        )


def _needed(channel: NotificationChannel) -> str:
    if channel is NotificationChannel.Email:
        return "an e-mail address, an organisation number or a national identity number"
    if channel is NotificationChannel.Sms:
        return "a mobile number, an organisation number or a national identity number"
    return "an e-mail address, a mobile number, an organisation number or a national identity number"


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[RecipientRequest | None, ...])


class RecipientParts(msgspec.Struct, frozen=True):
    """The recipients as read, in the packed form of `Order.recipients`; iterating unpacks part after part."""

    parts: tuple[bytes, ...] = ()
    count: int = 0

    def __iter__(self) -> Iterator[RecipientRequest | None]:
        for part in self.parts:
            yield from _decoder.decode(part)


class RecipientCollector:
    """Packs recipients as they are read. Nulls are kept until the rules have refused them."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._pending: list[Recipient | None] = []
        self._packed = 0

    def add(self, element: Any) -> None:
        """Take one `RecipientRequest`, or None."""
        self._pending.append(None if element is None else _as_named(element))
        if len(self._pending) == RECIPIENTS_PER_PART:
            self._pack()

    def close(self) -> RecipientParts:
        """Return all that was taken."""
        if self._pending:
            self._pack()
        return RecipientParts(tuple(self._parts), self._packed)

    def _pack(self) -> None:
        self._packed += len(self._pending)
        self._parts.append(_encoder.encode(self._pending))
        self._pending = []


def _as_named(element: RecipientRequest) -> Recipient:
    """Return the recipient as it is kept: an empty address is none, and is not shown (api.md 3.5)."""
    return Recipient(
        element.email_address or None,
        element.mobile_number or None,
        element.organization_number,
        element.national_identity_number,
    )
