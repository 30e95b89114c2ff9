"""Whom a chain notifies: one of five kinds of recipient, with what is said to it (api.md 3.9, recipient)."""

from collections.abc import Iterator
from typing import Annotated, Final
from urllib.parse import unquote_plus

from varsel.intake.rules import action_problems, digits
from varsel.intake.shapes import Undefined, member, rule
from varsel.intake.wire_future.emails import EmailSettings
from varsel.intake.wire_future.foundation import FutureShape, email_address, mobile_number
from varsel.intake.wire_future.sms import SmsSettings
from varsel.mechanisms.white_space import is_blank
from varsel.model.addresses import is_email_address
from varsel.model.external_identities import EMAIL_IDENTITY, USERNAME_IDENTITIES
from varsel.model.orders import NotificationChannel

RESOURCE_PREFIX: Final = "urn:altinn:resource:"
_LONGEST_IDENTITY: Final = 4_096
"""Bounds the time that decoding takes; no identity comes near it."""

_MAY_USE_EMAIL: Final = frozenset(NotificationChannel) - {NotificationChannel.Sms}
_MAY_USE_SMS: Final = frozenset(NotificationChannel) - {NotificationChannel.Email}


@rule(pattern=f"^{RESOURCE_PREFIX}.")
def resource_urn(value: str, _told: object) -> str | None:
    """Demand the prefix and something after it."""
    if value.startswith(RESOURCE_PREFIX) and len(value) > len(RESOURCE_PREFIX):
        return None
    return f"A resource id begins with {RESOURCE_PREFIX} and names the resource after it."


@rule(pattern=rf"^({'|'.join((EMAIL_IDENTITY, *USERNAME_IDENTITIES))}).")
def external_identity(value: str, _told: object) -> str | None:
    """Demand one of the four forms, with a value that is an e-mail address or not blank."""
    if len(value) <= _LONGEST_IDENTITY:
        if value.startswith(EMAIL_IDENTITY) and is_email_address(unquote_plus(value.removeprefix(EMAIL_IDENTITY))):
            return None
        for prefix in USERNAME_IDENTITIES:
            if value.startswith(prefix) and not is_blank(unquote_plus(value.removeprefix(prefix))):
                return None
    return (
        f"An external identity is {EMAIL_IDENTITY} followed by an e-mail address (its '+' written as %2B), "
        f"or one of {', '.join(USERNAME_IDENTITIES)} followed by a user name."
    )


class EmailRecipientRequest(FutureShape, frozen=True, kw_only=True):
    """An e-mail address that the caller knows."""

    email_address: Annotated[str, member("E-mail address, stored and used as written.", email_address)]
    email_settings: Annotated[EmailSettings, member("What is sent.", model="Settings")]


class SmsRecipientRequest(FutureShape, frozen=True, kw_only=True):
    """A phone number that the caller knows."""

    phone_number: Annotated[str, member("Phone number in international form.", mobile_number)]
    sms_settings: Annotated[SmsSettings, member("What is sent.", model="Settings")]


class PartyRequest(FutureShape, frozen=True, kw_only=True):
    """A party whose addresses are looked up; each channel that may be used needs its settings."""

    channel_schema: Annotated[NotificationChannel | Undefined, member("By which channel the party is notified.")]
    email_settings: Annotated[EmailSettings | None, member("The e-mail; needed unless the channel is `Sms`.")] = None
    sms_settings: Annotated[SmsSettings | None, member("The SMS; needed unless the channel is `Email`.")] = None
    resource_id: Annotated[str | None, member("The resource that the notification concerns.", resource_urn)] = None
    resource_action: Annotated[str | None, member("The action on the resource; needs `resourceId`.")] = None

    def judge(self, _told: object) -> Iterator[tuple[str, str]]:
        """Demand the settings that the scheme may use, and that an action belongs to a resource."""
        if self.email_settings is None and self.channel_schema in _MAY_USE_EMAIL:
            yield "email_settings", "E-mail settings are needed for the chosen channel scheme."
        if self.sms_settings is None and self.channel_schema in _MAY_USE_SMS:
            yield "sms_settings", "SMS settings are needed for the chosen channel scheme."
        yield from action_problems(self.resource_id, self.resource_action)


class PersonRequest(PartyRequest, frozen=True, kw_only=True):
    """A person, whose addresses are looked up."""

    national_identity_number: Annotated[
        str, member("National identity number, 11 digits.", digits(11, "A national identity number"))
    ]
    ignore_reservation: Annotated[bool, member("Notify the person even if reserved against digital contact.")] = False
    use_stale_contact_information: Annotated[
        bool, member("Use contact information that has not been confirmed for a long time.")
    ] = False


class OrganizationRequest(PartyRequest, frozen=True, kw_only=True):
    """An organisation, whose addresses are looked up."""

    org_number: Annotated[str, member("Organisation number, 9 digits.", digits(9, "An organisation number"))]


class ExternalIdentityRequest(PartyRequest, frozen=True, kw_only=True):
    """A user who signs in by e-mail address or user name, without a national identity number."""

    external_identity: Annotated[
        str,
        member(
            "The user's URN, its value percent-encoded: `urn:altinn:person:idporten-email:` and an e-mail address, or "
            "`urn:altinn:party:username:`, `urn:altinn:username:` or `urn:altinn:person:legacy-selfidentified:` and a "
            "user name.",
            external_identity,
        ),
    ]


class RecipientChoice(FutureShape, frozen=True, kw_only=True):
    """Exactly one recipient, of one of five kinds."""

    recipient_email: Annotated[EmailRecipientRequest | None, member("An e-mail address.")] = None
    recipient_sms: Annotated[SmsRecipientRequest | None, member("A phone number.")] = None
    recipient_person: Annotated[PersonRequest | None, member("A person.")] = None
    recipient_organization: Annotated[OrganizationRequest | None, member("An organisation.")] = None
    recipient_external_identity: Annotated[
        ExternalIdentityRequest | None, member("A user without a national identity number.")
    ] = None

    @property
    def named(self) -> list[EmailRecipientRequest | SmsRecipientRequest | PartyRequest]:
        """The recipients that were named; one, if no rule is broken."""
        kinds = (
            self.recipient_email,
            self.recipient_sms,
            self.recipient_person,
            self.recipient_organization,
            self.recipient_external_identity,
        )
        return [kind for kind in kinds if kind is not None]

    def judge(self, _told: object) -> Iterator[tuple[str, str]]:
        """Demand exactly one."""
        if len(self.named) != 1:
            yield "", "Exactly one kind of recipient must be given."
