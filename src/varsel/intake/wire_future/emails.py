"""What is sent by e-mail (api.md 3.9, emailSettings)."""

from typing import Annotated

from varsel.intake.rules import allowed_address
from varsel.intake.shapes import Undefined, member, rule
from varsel.intake.shapes.named import Enumeration
from varsel.intake.wire_future.foundation import FutureShape, email_address
from varsel.model.orders import ContentType, SendingTimePolicy

_POLICIES = Enumeration(
    "EmailSendingTimePolicy", "When an e-mail may be sent: always at any time.", (SendingTimePolicy.Anytime.name,)
)


@rule()
def any_time(value: SendingTimePolicy | Undefined, _told: object) -> str | None:
    """Demand the one policy that e-mails know."""
    return "An e-mail can only be sent Anytime." if value is SendingTimePolicy.Daytime else None


class EmailContent(FutureShape, frozen=True, kw_only=True):
    """Subject, text and sender of an e-mail."""

    subject: Annotated[str, member("The subject.")]
    body: Annotated[str, member("The text.")]
    sender_email_address: Annotated[
        str | None, member("The sender; the service's default if absent.", email_address, allowed_address)
    ] = None
    content_type: Annotated[ContentType | Undefined, member("Whether the body is plain text or HTML.")] = (
        ContentType.Plain
    )


class EmailSettings(EmailContent, frozen=True, kw_only=True):
    """An e-mail; newlines in its subject become spaces."""

    sending_time_policy: Annotated[
        SendingTimePolicy | Undefined, member("E-mails are sent at any time of the day.", any_time), _POLICIES
    ] = SendingTimePolicy.Anytime
