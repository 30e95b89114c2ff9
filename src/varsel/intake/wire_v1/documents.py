"""Response documents of the v1 endpoints (api.md 3.1 to 3.5 and 3.8); members in the order of its examples."""

from typing import Annotated
from uuid import UUID

from varsel.intake.documents import Document
from varsel.intake.shapes import member
from varsel.intake.shapes.named import Enumeration
from varsel.intake.times import InstantText
from varsel.model.orders import ContentType, NotificationChannel, RecipientLookupStatus
from varsel.model.results import FACTS

_CHANNELS = Enumeration.of(NotificationChannel)
_CONTENT_TYPES = Enumeration.of(ContentType)
_LOOKUP_STATUSES = Enumeration.of(RecipientLookupStatus)
_PROCESSING_STATUSES = Enumeration(
    "OrderProcessingStatus",
    "Where an order stands. `Completed` does not mean that every notification has its result.",
    ("Registered", "Processing", "Completed", "SendConditionNotMet", "Cancelled"),
)
_RESULTS = ", ".join(f"`{name}`" for name in dict.fromkeys(facts.masked_name for facts in FACTS.values()))


class OrderBasics(Document, frozen=True, kw_only=True):
    """What order document and status document have in common."""

    id: Annotated[UUID, member("The order's id.")]
    senders_reference: Annotated[str | None, member("The sender's own reference.")] = None
    requested_send_time: Annotated[InstantText, member("When the notifications are to be sent.")]
    creator: Annotated[str, member("Short name of the organisation that placed the order.")]
    created: Annotated[InstantText, member("When the order was registered.")]
    notification_channel: Annotated[str, member("By which channel recipients are notified."), _CHANNELS]
    ignore_reservation: Annotated[
        bool | None, member("Whether persons reserved against digital contact are notified; as sent.")
    ] = None
    resource_id: Annotated[str | None, member("The resource that the notifications concern; as sent.")] = None
    resource_action: Annotated[str | None, member("The action on the resource; as sent.")] = None
    condition_endpoint: Annotated[
        str | None, member("The address that is asked at the send time whether to send; as sent.")
    ] = None


class RecipientDocument(Document, frozen=True, kw_only=True, gc=False):
    """A recipient as the caller named it; addresses found by look-up never appear here."""

    email_address: Annotated[str | None, member("E-mail address, if the sender gave one.")] = None
    mobile_number: Annotated[str | None, member("Mobile number, if the sender gave one.")] = None
    organization_number: Annotated[str | None, member("Organisation number, if the sender gave one.")] = None
    national_identity_number: Annotated[str | None, member("National identity number, if the sender gave one.")] = None
    is_reserved: Annotated[bool | None, member("Never set.")] = None


class EmailTemplateDocument(Document, frozen=True, kw_only=True):
    """The e-mail text of an order, defaults filled in."""

    from_address: Annotated[str, member("The sender.")]
    subject: Annotated[str, member("The subject.")]
    body: Annotated[str, member("The text.")]
    content_type: Annotated[str, member("Whether the body is plain text or HTML."), _CONTENT_TYPES]


class SmsTemplateDocument(Document, frozen=True, kw_only=True):
    """The SMS text of an order, defaults filled in."""

    sender_number: Annotated[str, member("The sender.")]
    body: Annotated[str, member("The text.")]


class OrderLinks(Document, frozen=True, kw_only=True):
    """Where the order and its status can be read."""

    self: Annotated[str, member("The order.")]
    status: Annotated[str, member("Its status.")]


class OrderDocument(OrderBasics, frozen=True, kw_only=True):
    """An order as it was placed.

    Source: api.md 3.1.
    """

    recipients: Annotated[tuple[RecipientDocument, ...], member("The recipients, as the sender named them.")]
    email_template: Annotated[EmailTemplateDocument | None, member("The e-mail, if there is one.")] = None
    sms_template: Annotated[SmsTemplateDocument | None, member("The SMS, if there is one.")] = None
    links: Annotated[OrderLinks, member("Where more can be read.")]


class OrderList(Document, frozen=True, kw_only=True):
    """The orders that have a certain reference.

    Source: api.md 3.2.
    """

    count: Annotated[int, member("Number of orders.")]
    orders: Annotated[tuple[OrderDocument, ...], member("The orders, in no particular order.")]


class OrderListHead(Document, frozen=True, kw_only=True):
    """The beginning of a list of orders that is written as it is read."""

    orders: tuple[OrderDocument, ...]


class OrderListEnd(Document, frozen=True, kw_only=True):
    """What is known of such a list when all of it was written."""

    count: int


class ProcessingStatus(Document, frozen=True, kw_only=True):
    """Where an order stands."""

    status: Annotated[str, member("The status."), _PROCESSING_STATUSES]
    description: Annotated[str, member("What the status means, in a sentence.")]
    last_update: Annotated[InstantText, member("When the order last changed.")]


class SelfLink(Document, frozen=True, kw_only=True):
    """Where more can be read."""

    self: Annotated[str, member("The notifications, one by one.")]


class ChannelSummary(Document, frozen=True, kw_only=True):
    """The notifications of one channel, counted."""

    links: Annotated[SelfLink, member("Where more can be read.")]
    generated: Annotated[int, member("Number of notifications, those created as failed included.")]
    succeeded: Annotated[int, member("Number of notifications successfully sent.")]


class StatusSummary(Document, frozen=True, kw_only=True):
    """The notifications of an order, counted by channel."""

    email: Annotated[ChannelSummary | None, member("The e-mails; left out if there are none.")] = None
    sms: Annotated[ChannelSummary | None, member("The SMS; left out if there are none.")] = None


class StatusDocument(OrderBasics, frozen=True, kw_only=True):
    """An order's status.

    Source: api.md 3.3.
    """

    processing_status: Annotated[ProcessingStatus, member("Where the order stands.")]
    notifications_status_summary: Annotated[
        StatusSummary | None, member("The notifications, counted; left out until there are any.")
    ] = None


class RecipientLookupDocument(Document, frozen=True, kw_only=True):
    """What the contact look-up at registration found."""

    status: Annotated[str, member("Whether all, some or none can be reached."), _LOOKUP_STATUSES]
    is_reserved: Annotated[tuple[str, ...], member("Persons reserved against digital contact.")]
    missing_contact: Annotated[tuple[str, ...], member("Persons and organisations without a usable address.")]


class AcceptedDocument(Document, frozen=True, kw_only=True):
    """An order was accepted.

    Source: api.md 3.5.
    """

    order_id: Annotated[UUID, member("The order's id; it is also the id of a shipment.")]
    recipient_lookup: Annotated[RecipientLookupDocument | None, member("Left out if every address was given.")] = None


class SendStatus(Document, frozen=True, kw_only=True, gc=False):
    """The result of one notification.

    Names and meanings are those of api.md 4.3 and 4.4.
    """

    status: Annotated[str, member(f"One of {_RESULTS}.")]
    description: Annotated[str, member("What the result means, in a sentence.")]
    last_update: Annotated[InstantText, member("When the result was recorded.")]


class EmailRecipientDocument(Document, frozen=True, kw_only=True, gc=False):
    """Where an e-mail went; the address is empty when there was none to send to."""

    organization_number: Annotated[str | None, member("If the recipient was named by it.")] = None
    national_identity_number: Annotated[str | None, member("If the recipient was named by it.")] = None
    email_address: Annotated[str, member("The actual address.")]


class SmsRecipientDocument(Document, frozen=True, kw_only=True, gc=False):
    """Where an SMS went; the number is empty when there was none to send to."""

    organization_number: Annotated[str | None, member("If the recipient was named by it.")] = None
    national_identity_number: Annotated[str | None, member("If the recipient was named by it.")] = None
    mobile_number: Annotated[str, member("The actual number.")]


class EmailNotificationDocument(Document, frozen=True, kw_only=True, gc=False):
    """One e-mail of an order."""

    id: Annotated[UUID, member("The notification's id.")]
    succeeded: Annotated[bool, member("Whether it was taken or delivered.")]
    recipient: Annotated[EmailRecipientDocument, member("Where it went.")]
    send_status: Annotated[SendStatus, member("Its result so far.")]


class SmsNotificationDocument(Document, frozen=True, kw_only=True, gc=False):
    """One SMS of an order."""

    id: Annotated[UUID, member("The notification's id.")]
    succeeded: Annotated[bool, member("Whether it was taken or delivered.")]
    recipient: Annotated[SmsRecipientDocument, member("Where it went.")]
    send_status: Annotated[SendStatus, member("Its result so far.")]


class EmailNotificationList(Document, frozen=True, kw_only=True):
    """The e-mails of an order.

    Source: api.md 3.8.
    """

    order_id: Annotated[UUID, member("The order's id.")]
    senders_reference: Annotated[str | None, member("The sender's own reference.")] = None
    generated: Annotated[int, member("Number of notifications.")]
    succeeded: Annotated[int, member("Number of those that were taken or delivered.")]
    notifications: Annotated[
        tuple[EmailNotificationDocument, ...], member("The notifications, in no particular order.")
    ]


class SmsNotificationList(Document, frozen=True, kw_only=True):
    """The SMS of an order.

    Source: api.md 3.8.
    """

    order_id: Annotated[UUID, member("The order's id.")]
    senders_reference: Annotated[str | None, member("The sender's own reference.")] = None
    generated: Annotated[int, member("Number of notifications.")]
    succeeded: Annotated[int, member("Number of those that were taken or delivered.")]
    notifications: Annotated[tuple[SmsNotificationDocument, ...], member("The notifications, in no particular order.")]


class NotificationListHead(Document, frozen=True, kw_only=True):
    """The beginning of a list of notifications that is written as it is read."""

    order_id: UUID
    senders_reference: str | None = None
    notifications: tuple[Document, ...]


class NotificationListEnd(Document, frozen=True, kw_only=True):
    """What is known of such a list when all of it was written."""

    generated: int
    succeeded: int
