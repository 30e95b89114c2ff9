"""What requests of the newer interface have in common: circumstances they are judged in, shared members and rules."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Final, NamedTuple

from msgspec import UNSET, UnsetType

from varsel.intake.rules import has_zone
from varsel.intake.shapes import Shape, UriText, member, rule
from varsel.intake.times import Moment
from varsel.intake.web_addresses import WEB_SCHEMES, is_well_formed, read_web_address
from varsel.model.addresses import EMAIL_PATTERN, is_email_address, is_mobile_number
from varsel.model.chains import Family
from varsel.orders.senders import ANY_SENDER, AllowedSenders

AZURE_BLOBS: Final = (".blob.core.windows.net",)
"""Where attachments may lie, unless a setting names more (api.md 3.10)."""


class Circumstances(NamedTuple):
    """What rules look at besides the value.

    `send_time` is that of the (main) order. `attachment_hosts` are host names, or endings of such that begin with a
    dot, all in lower case; `senders` are those the creator may use.
    """

    now: datetime
    send_time: Moment
    attachment_hosts: Sequence[str] = AZURE_BLOBS
    senders: AllowedSenders = ANY_SENDER


@rule()
def not_past(value: Moment, told: Circumstances) -> str | None:
    """Demand a time that is not past, without tolerance."""
    return None if value.utc >= told.now else "The send time must not lie in the past."


@rule(format="uri")
def web_address(value: str, _told: object) -> str | None:
    """Demand a well-formed http(s) address; any host will do.

    Escapes of any character pass; the reference service refuses some of them (api.md 7, U8).
    """
    address = read_web_address(value)
    if address and address.scheme in WEB_SCHEMES and is_well_formed(value):
        return None
    return "The condition endpoint must be an absolute http or https address."


@rule(pattern=f"^{EMAIL_PATTERN}$", format="email")
def email_address(value: str, _told: object) -> str | None:
    """Demand that the e-mail rule is satisfied; an empty value does not satisfy it."""
    return None if is_email_address(value) else "The e-mail address is not valid."


@rule(pattern=r"^(\+|00)[0-9 ]+$")
def mobile_number(value: str, _told: object) -> str | None:
    """Demand that the mobile rule is satisfied."""
    if is_mobile_number(value):
        return None
    return "The phone number is not valid; write it in international form, such as +4799999999."


class FutureShape(Shape, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of the newer interface's shapes. Defaults are omitted where a request is written down to be hashed.

    They cannot form circles, and a hundred thousand reminders would be a burden to the garbage collector.
    """


class FutureRequest(FutureShape, frozen=True, kw_only=True):
    """What all requests have in common."""

    parameter: ClassVar[str]
    """The endpoint's parameter name (api.md 1.7)."""
    family: ClassVar[Family]
    """Within which idempotency ids are known (api.md 5, item 17)."""

    idempotency_id: Annotated[
        str, member("The caller's own id of this request. If it was used before, the first request's ids are answered.")
    ]
    senders_reference: Annotated[str | None, member("The sender's own reference.")] = None

    @property
    def today(self) -> "FutureRequest":
        """The same request in today's form, if this is an older one."""
        return self

    @property
    def holds_until(self) -> datetime | None:
        """The last moment at which this request keeps rules about send times that it keeps now; None if all do."""
        return None

    def send_time(self, now: datetime) -> Moment:
        """Return when the (main) order is to be sent."""
        return Moment(now, 0, zoned=True)


class DialogRequest(FutureShape, frozen=True, kw_only=True):
    """The dialog that the notification belongs to."""

    dialog_id: Annotated[str | None, member("The dialog's id; stored with the order.")] = None
    transmission_id: Annotated[str | None, member("The transmission's id; stored with the order.")] = None


class ScheduledRequest(FutureRequest, frozen=True, kw_only=True):
    """What requests with a send time have in common."""

    requested_send_time: Annotated[
        Moment | UnsetType,
        member("When to send, with a time zone; not in the past; now if absent.", has_zone, not_past),
    ] = UNSET
    condition_endpoint: Annotated[
        UriText | None,
        member("An http or https address that is asked at the send time whether to send.", web_address),
    ] = None
    dialogporten_association: Annotated[DialogRequest | None, member("The dialog that it belongs to.")] = None

    def send_time(self, now: datetime) -> Moment:
        """Return what the caller asked for, or `now`."""
        asked = self.requested_send_time
        return FutureRequest.send_time(self, now) if isinstance(asked, UnsetType) else asked
