"""Response documents of the v1 endpoints (api.md 3.1 to 3.5 and 3.8); members in the order of its examples."""

from typing import Annotated
from uuid import UUID

from varsel.intake.documents import Document
from varsel.intake.shapes import member
from varsel.intake.shapes.schema import OneOf
from varsel.intake.times import InstantText
from varsel.model.orders import ContentType, NotificationChannel, RecipientLookupStatus

_CHANNELS = OneOf(*NotificationChannel.__members__)
_CONTENT_TYPES = OneOf(*ContentType.__members__)
_LOOKUP_STATUSES = OneOf(*RecipientLookupStatus.__members__)
_PROCESSING_STATUSES = OneOf("Registered", "Processing", "Completed", "SendConditionNotMet", "Cancelled")


class OrderBasics(Document, frozen=True, kw_only=True):
    """What order document and status document have in common."""

    id: Annotated[UUID, member("The order's id.")]
    senders_reference: Annotated[str | None, member("The sender's own reference.")] = None
    requested_send_time: Annotated[InstantText, member("When the notifications are to be sent.")]
    creator: Annotated[str, member("Short name of the organisation that placed the order.")]
    created: Annotated[InstantText, member("When the order was registered.")]
    notification_channel: Annotated[str, member("The channel scheme."), _CHANNELS]
    ignore_reservation: Annotated[bool | None, member("As sent.")] = None
    resource_id: Annotated[str | None, member("As sent.")] = None
    resource_action: Annotated[str | None, member("As sent.")] = None
    condition_endpoint: Annotated[str | None, member("As originally written.")] = None


class RecipientDocument(Document, frozen=True, kw_only=True, gc=False):
    """A recipient as the caller named it; addresses found by look-up never appear here."""

    email_address: str | None = None
    mobile_number: str | None = None
    organization_number: str | None = None
    national_identity_number: str | None = None
    is_reserved: bool | None = None


class EmailTemplateDocument(Document, frozen=True, kw_only=True):
    """The e-mail text of an order, defaults filled in."""

    from_address: str
    subject: str
    body: str
    content_type: Annotated[str, _CONTENT_TYPES]


class SmsTemplateDocument(Document, frozen=True, kw_only=True):
    """The SMS text of an order, defaults filled in."""

    sender_number: str
    body: str


class OrderLinks(Document, frozen=True, kw_only=True):
    """Where the order and its status can be read."""

    self: str
    status: str


class OrderDocument(OrderBasics, frozen=True, kw_only=True):
    """An order as it was placed (api.md 3.1)."""

    recipients: tuple[RecipientDocument, ...]
    email_template: EmailTemplateDocument | None = None
    sms_template: SmsTemplateDocument | None = None
    links: OrderLinks


class OrderList(Document, frozen=True, kw_only=True):
    """The orders that carry a reference (api.md 3.2)."""

    count: int
    orders: tuple[OrderDocument, ...]


class OrderListHead(Document, frozen=True, kw_only=True):
    """The beginning of a list of orders that is written as it is read."""

    orders: tuple[OrderDocument, ...]


class OrderListEnd(Document, frozen=True, kw_only=True):
    """What is known of such a list when all of it was written."""

    count: int


class ProcessingStatus(Document, frozen=True, kw_only=True):
    """Where an order stands."""

    status: Annotated[str, _PROCESSING_STATUSES]
    description: str
    last_update: InstantText


class SelfLink(Document, frozen=True, kw_only=True):
    """Where more can be read."""

    self: str


class ChannelSummary(Document, frozen=True, kw_only=True):
    """The notifications of one channel, counted."""

    links: SelfLink
    generated: Annotated[int, member("Number of notifications, those created as failed included.")]
    succeeded: Annotated[int, member("Number of notifications successfully sent.")]


class StatusSummary(Document, frozen=True, kw_only=True):
    """The notifications of an order, counted by channel."""

    email: ChannelSummary | None = None
    sms: ChannelSummary | None = None


class StatusDocument(OrderBasics, frozen=True, kw_only=True):
    """An order's status (api.md 3.3)."""

    processing_status: ProcessingStatus
    notifications_status_summary: StatusSummary | None = None


class RecipientLookupDocument(Document, frozen=True, kw_only=True):
    """What the contact look-up at registration found."""

    status: Annotated[str, _LOOKUP_STATUSES]
    is_reserved: Annotated[tuple[str, ...], member("Persons reserved against digital contact.")]
    missing_contact: Annotated[tuple[str, ...], member("Persons and organisations without a usable address.")]


class AcceptedDocument(Document, frozen=True, kw_only=True):
    """An order was accepted (api.md 3.5)."""

    order_id: UUID
    recipient_lookup: RecipientLookupDocument | None = None


class SendStatus(Document, frozen=True, kw_only=True, gc=False):
    """The result of one notification (api.md 4.3 and 4.4)."""

    status: str
    description: str
    last_update: InstantText


class EmailRecipientDocument(Document, frozen=True, kw_only=True, gc=False):
    """Where an e-mail went; the address is empty when there was none to send to."""

    organization_number: str | None = None
    national_identity_number: str | None = None
    email_address: str


class SmsRecipientDocument(Document, frozen=True, kw_only=True, gc=False):
    """Where an SMS went; the number is empty when there was none to send to."""

    organization_number: str | None = None
    national_identity_number: str | None = None
    mobile_number: str


class EmailNotificationDocument(Document, frozen=True, kw_only=True, gc=False):
    """One e-mail of an order."""

    id: UUID
    succeeded: bool
    recipient: EmailRecipientDocument
    send_status: SendStatus


class SmsNotificationDocument(Document, frozen=True, kw_only=True, gc=False):
    """One SMS of an order."""

    id: UUID
    succeeded: bool
    recipient: SmsRecipientDocument
    send_status: SendStatus


class EmailNotificationList(Document, frozen=True, kw_only=True):
    """The e-mails of an order (api.md 3.8)."""

    order_id: UUID
    senders_reference: str | None = None
    generated: int
    succeeded: int
    notifications: tuple[EmailNotificationDocument, ...]


class SmsNotificationList(Document, frozen=True, kw_only=True):
    """The SMS of an order (api.md 3.8)."""

    order_id: UUID
    senders_reference: str | None = None
    generated: int
    succeeded: int
    notifications: tuple[SmsNotificationDocument, ...]


class NotificationListHead(Document, frozen=True, kw_only=True):
    """The beginning of a list of notifications that is written as it is read."""

    order_id: UUID
    senders_reference: str | None = None
    notifications: tuple[Document, ...]


class NotificationListEnd(Document, frozen=True, kw_only=True):
    """What is known of such a list when all of it was written."""

    generated: int
    succeeded: int
