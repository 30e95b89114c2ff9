"""What is sent by SMS (api.md 3.9, smsSettings)."""

from typing import Annotated

from varsel.intake.rules import allowed_name
from varsel.intake.shapes import Undefined, member
from varsel.intake.wire_future.foundation import FutureShape
from varsel.model.orders import SendingTimePolicy


class SmsSettings(FutureShape, frozen=True, kw_only=True):
    """An SMS, sent in the daytime unless the caller says otherwise."""

    body: Annotated[str, member("The text.")]
    sender: Annotated[str | None, member("The sender; the service's default if absent or blank.", allowed_name)] = None
    sending_time_policy: Annotated[
        SendingTimePolicy | Undefined, member("Whether it may be sent at any time of the day, or in the daytime only.")
    ] = SendingTimePolicy.Daytime
