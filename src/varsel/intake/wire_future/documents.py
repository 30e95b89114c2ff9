"""Response documents of the newer interface (api.md 3.9 to 3.14); members in the order of its examples."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from varsel.intake.documents import Document
from varsel.intake.shapes import member
from varsel.intake.shapes.named import Enumeration
from varsel.intake.times import InstantText, write_microseconds, write_time
from varsel.intake.wire_future.feed_query import SEQUENCE
from varsel.model.chains import Placed
from varsel.model.orders import OrderStatus, OrderType
from varsel.model.results import Channel, Result

_ORDER_TYPES = Enumeration.of(OrderType)
_FINAL_STATUSES = Enumeration(
    "FinalOrderStatus",
    "How an order ended. Cancelled orders are not in the feed.",
    ("Order_Completed", "Order_SendConditionNotMet"),
)
_CHANNELS = Enumeration("ShipmentChannel", "The channel of one notification.", ("Email", "SMS"))
_DISCRIMINATORS = {Channel.Email: "Email", Channel.Sms: "SMS"}
_TYPE_NAMES = {order_type: order_type.name for order_type in OrderType}
_STATUS_NAMES = {status: f"Order_{status.name}" for status in OrderStatus}
_RESULT_NAMES = {result: result.facts.wire_name for result in Result}
_ORDER_STATUSES = Enumeration(
    "OrderStatus",
    "Where an order stands. `Order_Processed`: its notifications exist, and some still await their result.",
    tuple(_STATUS_NAMES.values()),
)
_RESULTS = Enumeration("NotificationStatus", "The result of one notification.", tuple(_RESULT_NAMES.values()))


class PlacedReminder(Document, frozen=True, kw_only=True):
    """A reminder that was accepted."""

    shipment_id: Annotated[UUID, member("The id by which the reminder is followed.")]
    senders_reference: Annotated[str | None, member("The sender's own reference of the reminder.")] = None


class PlacedNotification(Document, frozen=True, kw_only=True):
    """The notification that was accepted, with its reminders in the order of the request."""

    shipment_id: Annotated[UUID, member("The id by which the notification is followed.")]
    senders_reference: Annotated[str | None, member("The sender's own reference.")] = None
    reminders: Annotated[tuple[PlacedReminder, ...] | None, member("Left out if there are none.")] = None


class PlacedDocument(Document, frozen=True, kw_only=True):
    """A request was accepted, now or earlier under the same idempotency id.

    Source: api.md 3.9.
    """

    notification_order_id: Annotated[UUID, member("The id of the whole. Shipments are followed by their own ids.")]
    notification: Annotated[PlacedNotification, member("The notification, with its reminders.")]


class ShipmentRecipient(Document, frozen=True, kw_only=True, gc=False):
    """One notification of a shipment, as it stands now."""

    type: Annotated[str, member("Its channel."), _CHANNELS]
    destination: Annotated[str, member("The actual address; empty when there was none to send to.")]
    status: Annotated[str, member("Its result so far."), _RESULTS]
    last_update: Annotated[InstantText, member("When the result was recorded.")]


_Corrected = Annotated[
    InstantText | None,
    member(
        "When a late delivery report last changed a result after the order had ended; absent where none did. "
        "The status feed keeps what was known at `lastUpdate`."
    ),
]


class ShipmentCorrection(Document, frozen=True, kw_only=True):
    """The end of a shipment that is written piece by piece, as far as it is known only then."""

    corrected: _Corrected


class ShipmentDocument(Document, frozen=True, kw_only=True):
    """A shipment: an order of any kind and what became of its notifications, e-mails before SMS.

    Source: api.md 3.14.
    """

    shipment_id: Annotated[UUID, member("The id of the shipment.")]
    senders_reference: Annotated[str | None, member("The sender's own reference.")] = None
    type: Annotated[str, member("How the order was placed."), _ORDER_TYPES]
    status: Annotated[str, member("Where the order stands."), _ORDER_STATUSES]
    last_update: Annotated[InstantText, member("When the order last changed; once it has ended, when it ended.")]
    recipients: Annotated[tuple[ShipmentRecipient, ...], member("Empty until there are notifications.")]
    corrected: _Corrected = None


class FeedRecipient(Document, frozen=True, kw_only=True, gc=False):
    """One notification, as it stood when its order ended."""

    destination: Annotated[str, member("The actual address; empty when there was none to send to.")]
    status: Annotated[str, member("Its final result."), _RESULTS]
    last_update: Annotated[InstantText, member("When the result was recorded.")]


class FeedEntry(Document, frozen=True, kw_only=True):
    """The end of one order; its content never changes.

    Source: api.md 3.14.
    """

    sequence_number: Annotated[int, member("Give the last one as `seq` to read on from there."), SEQUENCE]
    shipment_id: Annotated[UUID, member("The id of the shipment.")]
    senders_reference: Annotated[str | None, member("The sender's own reference.")] = None
    shipment_type: Annotated[str | None, member("How the order was placed; old entries may lack it."), _ORDER_TYPES] = (
        None
    )
    status: Annotated[str, member("How the order ended."), _FINAL_STATUSES]
    last_update: Annotated[InstantText, member("When it ended.")]
    recipients: Annotated[tuple[FeedRecipient, ...], member("Empty if the send condition was not met.")]


def placed_document(placed: Placed) -> PlacedDocument:
    """Tell a caller what was placed."""
    reminders = tuple(
        PlacedReminder(shipment_id=reminder.id, senders_reference=reminder.senders_reference)
        for reminder in placed.reminders
    )
    main = placed.main
    notification = PlacedNotification(
        shipment_id=main.id, senders_reference=main.senders_reference, reminders=reminders or None
    )
    return PlacedDocument(notification_order_id=placed.chain_id, notification=notification)


def shipment_recipient(destination: str, result: Result, last_update: datetime) -> ShipmentRecipient:
    """Show one notification of a shipment."""
    return ShipmentRecipient(
        type=_DISCRIMINATORS[result.facts.channel],
        destination=destination,
        status=_RESULT_NAMES[result],
        last_update=write_time(last_update),
    )


def feed_recipient(destination: str, result: Result, last_update: int) -> FeedRecipient:
    """Show one notification of a feed entry; `last_update` counts microseconds since 1970."""
    return FeedRecipient(
        destination=destination, status=_RESULT_NAMES[result], last_update=write_microseconds(last_update)
    )


def order_status_name(status: OrderStatus) -> str:
    """Return the name of an order's status in the newer interface, which masks nothing (api.md 4.2)."""
    return _STATUS_NAMES[status]


def order_type_name(order_type: OrderType) -> str:
    """Return how an order came about, as shipments and the feed name it (api.md 4.1)."""
    return _TYPE_NAMES[order_type]
