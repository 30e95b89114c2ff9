"""An e-mail with attachments: POST `/future/orders/composed-email` (api.md 3.10)."""

from typing import Annotated

from varsel.intake.shapes import member
from varsel.intake.wire_future.attachments import AttachmentRequest
from varsel.intake.wire_future.emails import EmailSettings
from varsel.intake.wire_future.foundation import FutureShape, ScheduledRequest, email_address
from varsel.model.chains import Family


class ComposedSettings(EmailSettings, frozen=True, kw_only=True):
    """An e-mail, possibly with attachments."""

    attachments: Annotated[tuple[AttachmentRequest, ...], member("Files to attach.", null_is_empty=True)] = ()


class ComposedRecipient(FutureShape, frozen=True, kw_only=True):
    """Who receives the e-mail, and what."""

    email_address: Annotated[str, member("E-mail address, stored and used as written.", email_address)]
    email_settings: Annotated[ComposedSettings, member("What is sent.", model="Settings")]


class ComposedRequest(ScheduledRequest, frozen=True, kw_only=True):
    """An e-mail to one recipient, with attachments that are fetched when it is sent."""

    parameter = "orderRequest"
    family = Family.COMPOSED

    recipient: Annotated[ComposedRecipient, member("Who receives it.")]
