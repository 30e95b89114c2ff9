"""Messages that leave at once: POST `/future/orders/instant` and below it `/sms`, `/email` (api.md 3.11 to 3.13)."""

from typing import Annotated, Final

from varsel.intake.rules import allowed_name
from varsel.intake.shapes import member, rule
from varsel.intake.wire_future.emails import EmailContent
from varsel.intake.wire_future.foundation import FutureRequest, FutureShape, email_address, mobile_number
from varsel.model.chains import Family

SHORTEST_LIFE: Final = 60
LONGEST_LIFE: Final = 172_800


@rule(minimum=SHORTEST_LIFE, maximum=LONGEST_LIFE)
def time_to_live(value: int, _told: object) -> str | None:
    """Demand between a minute and two days."""
    if SHORTEST_LIFE <= value <= LONGEST_LIFE:
        return None
    return f"The time to live must be {SHORTEST_LIFE} to {LONGEST_LIFE} seconds."


class InstantSmsSettings(FutureShape, frozen=True, kw_only=True):
    """An SMS that is sent at once."""

    body: Annotated[str, member("The text.")]
    sender: Annotated[
        str | None,
        member("The sender, used as written; the service's default if absent or blank.", allowed_name),
    ] = None


class InstantSmsRecipient(FutureShape, frozen=True, kw_only=True):
    """Who receives the SMS, what, and until when it is worth delivering."""

    phone_number: Annotated[str, member("Phone number in international form.", mobile_number)]
    time_to_live_in_seconds: Annotated[
        int, member("How long delivery may be tried: 60 to 172,800 seconds.", time_to_live)
    ]
    sms_settings: Annotated[InstantSmsSettings, member("What is sent.", model="ShortMessageContent")]


class InstantSmsRequest(FutureRequest, frozen=True, kw_only=True):
    """An SMS that is sent before the request is answered."""

    parameter = "request"
    family = Family.INSTANT

    recipient_sms: Annotated[InstantSmsRecipient, member("Who receives it.")]


class InstantEmailSettings(EmailContent, frozen=True, kw_only=True):
    """An e-mail that is sent at once; subject and sender are used as written."""


class InstantEmailRecipient(FutureShape, frozen=True, kw_only=True):
    """Who receives the e-mail, and what."""

    email_address: Annotated[str, member("E-mail address, stored and used as written.", email_address)]
    email_settings: Annotated[InstantEmailSettings, member("What is sent.")]


class InstantEmailRequest(FutureRequest, frozen=True, kw_only=True):
    """An e-mail that is sent before the request is answered."""

    parameter = "request"
    family = Family.INSTANT

    recipient_email: Annotated[InstantEmailRecipient, member("Who receives it.", model="InstantEmailDetails")]


class InstantRecipient(FutureShape, frozen=True, kw_only=True):
    """Who receives the SMS, wrapped once more."""

    recipient_sms: Annotated[InstantSmsRecipient, member("Who receives it.", model="ShortMessageDeliveryDetails")]


class InstantRequest(FutureRequest, frozen=True, kw_only=True):
    """The deprecated form of an instant SMS."""

    parameter = "request"
    family = Family.INSTANT

    recipient: Annotated[InstantRecipient, member("Who receives it.", model="InstantNotificationRecipient")]

    @property
    def today(self) -> InstantSmsRequest:
        """The same request, unwrapped."""
        return InstantSmsRequest(
            idempotency_id=self.idempotency_id,
            senders_reference=self.senders_reference,
            recipient_sms=self.recipient.recipient_sms,
        )
