"""From the recipient of a request, of whatever kind, to what its order says: whom, by which channel, and what."""

from typing import TypeVar

import msgspec

from varsel.intake.shapes import Undefined
from varsel.intake.wire_future.composed import ComposedRecipient
from varsel.intake.wire_future.emails import EmailSettings
from varsel.intake.wire_future.instant import InstantEmailRecipient, InstantSmsRecipient
from varsel.intake.wire_future.recipients import (
    EmailRecipientRequest,
    ExternalIdentityRequest,
    OrganizationRequest,
    PartyRequest,
    PersonRequest,
    RecipientChoice,
    SmsRecipientRequest,
)
from varsel.intake.wire_future.sms import SmsSettings
from varsel.mechanisms.white_space import trimmed
from varsel.model.orders import (
    Attachment,
    EmailText,
    NotificationChannel,
    OrderTexts,
    Recipient,
    SendingTimePolicy,
    SmsText,
)
from varsel.orders.stale_contacts import uses_stale_contacts
from varsel.orders.texts import Defaults, one_line, unless_blank

E = TypeVar("E")


class Addressee(msgspec.Struct, frozen=True, kw_only=True):
    """The part of an order that follows from its recipient."""

    channel: NotificationChannel
    recipient: Recipient
    texts: OrderTexts
    policy: SendingTimePolicy | None = None
    ignore_reservation: bool | None = None
    use_stale_contact_information: bool = False
    resource_id: str | None = None
    resource_action: str | None = None
    time_to_live_seconds: int | None = None


def chosen_addressee(choice: RecipientChoice, creator: str, defaults: Defaults) -> Addressee:
    """Return the addressee of a chain's order, in which exactly one recipient is named."""
    (named,) = choice.named
    if isinstance(named, EmailRecipientRequest):
        return Addressee(
            channel=NotificationChannel.Email,
            recipient=Recipient(email_address=named.email_address),
            texts=OrderTexts(email=_email(named.email_settings, defaults)),
        )
    if isinstance(named, SmsRecipientRequest):
        return Addressee(
            channel=NotificationChannel.Sms,
            recipient=Recipient(mobile_number=named.phone_number),
            texts=OrderTexts(sms=_sms(named.sms_settings, defaults)),
            policy=_defined(named.sms_settings.sending_time_policy),
        )
    return _party(named, creator, defaults)


def composed_addressee(recipient: ComposedRecipient, defaults: Defaults) -> Addressee:
    """Return the addressee of a composed e-mail, with the attachments."""
    attached = recipient.email_settings.attachments
    files = tuple(Attachment(file.filename, file.mime_type, file.sas_url) for file in attached)
    return Addressee(
        channel=NotificationChannel.Email,
        recipient=Recipient(email_address=recipient.email_address),
        texts=OrderTexts(email=_email(recipient.email_settings, defaults), attachments=files),
    )


def instant_sms_addressee(recipient: InstantSmsRecipient, defaults: Defaults) -> Addressee:
    """Return the addressee of an instant SMS."""
    settings = recipient.sms_settings
    sender = unless_blank(settings.sender) or defaults.sms_sender
    return Addressee(
        channel=NotificationChannel.Sms,
        recipient=Recipient(mobile_number=recipient.phone_number),
        texts=OrderTexts(sms=SmsText(sender, settings.body)),
        policy=SendingTimePolicy.Anytime,
        time_to_live_seconds=recipient.time_to_live_in_seconds,
    )


def instant_email_addressee(recipient: InstantEmailRecipient, defaults: Defaults) -> Addressee:
    """Return the addressee of an instant e-mail, whose texts are used as written."""
    settings = recipient.email_settings
    sender = settings.sender_email_address or defaults.from_address
    text = EmailText(sender, settings.subject, settings.body, _defined(settings.content_type))
    return Addressee(
        channel=NotificationChannel.Email,
        recipient=Recipient(email_address=recipient.email_address),
        texts=OrderTexts(email=text),
        policy=SendingTimePolicy.Anytime,
    )


def _party(party: PartyRequest, creator: str, defaults: Defaults) -> Addressee:
    person = party if isinstance(party, PersonRequest) else None
    return Addressee(
        channel=_defined(party.channel_schema),
        recipient=_identified(party),
        texts=OrderTexts(
            email=_email(party.email_settings, defaults) if party.email_settings else None,
            sms=_sms(party.sms_settings, defaults) if party.sms_settings else None,
        ),
        policy=_defined(party.sms_settings.sending_time_policy) if party.sms_settings else None,
        ignore_reservation=person.ignore_reservation if person else None,
        use_stale_contact_information=person is not None
        and uses_stale_contacts(creator, asked=person.use_stale_contact_information),
        resource_id=party.resource_id,
        resource_action=party.resource_action,
    )


def _identified(party: PartyRequest) -> Recipient:
    match party:
        case PersonRequest():
            return Recipient(national_identity_number=party.national_identity_number)
        case OrganizationRequest():
            return Recipient(organization_number=party.org_number)
        case ExternalIdentityRequest():
            return Recipient(external_identity=party.external_identity)
    raise TypeError(f"{type(party).__name__} is no kind of recipient")


def _email(settings: EmailSettings, defaults: Defaults) -> EmailText:
    sender = trimmed(settings.sender_email_address or "") or defaults.from_address
    return EmailText(sender, one_line(settings.subject), settings.body, _defined(settings.content_type))


def _sms(settings: SmsSettings, defaults: Defaults) -> SmsText:
    return SmsText(trimmed(settings.sender or "") or defaults.sms_sender, settings.body)


def _defined(value: E | Undefined) -> E:
    if isinstance(value, Undefined):
        raise TypeError("an undefined enumeration value breaks a rule and becomes no order")
    return value
