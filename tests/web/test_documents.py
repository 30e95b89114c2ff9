"""Response documents: their JSON, and streaming of long ones (api.md 1.4, 3.1 to 3.8; checklist C2)."""

import json
from uuid import UUID

import pytest

from varsel.intake.documents import StreamedDocument, write_json
from varsel.intake.times import InstantText
from varsel.intake.wire_v1 import (
    AcceptedDocument,
    ChannelSummary,
    EmailNotificationDocument,
    EmailNotificationList,
    EmailRecipientDocument,
    EmailTemplateDocument,
    OrderDocument,
    OrderLinks,
    OrderList,
    ProcessingStatus,
    RecipientDocument,
    RecipientLookupDocument,
    SelfLink,
    SendStatus,
    StatusDocument,
    StatusSummary,
)

ID = UUID("6f0d1d55-4e1f-4a9c-9a1e-3f2a5d4b8c01")
AT = InstantText("2026-05-04T09:30:00Z")
LINKS = OrderLinks(self=f"http://localhost:5090/notifications/api/v1/orders/{ID}", status="…/status")


def order(*recipients: RecipientDocument) -> OrderDocument:
    return OrderDocument(
        id=ID,
        requested_send_time=AT,
        creator="ttd",
        created=AT,
        notification_channel="Email",
        ignore_reservation=False,
        recipients=recipients,
        email_template=EmailTemplateDocument(from_address="a@b.no", subject="Blåbær", body="", content_type="Plain"),
        links=LINKS,
    )


def test_an_order_document_in_full() -> None:
    written = write_json(order(RecipientDocument(email_address="kari@example.com"), RecipientDocument()))
    assert written.decode() == (
        """{
  "id": "6f0d1d55-4e1f-4a9c-9a1e-3f2a5d4b8c01",
  "requestedSendTime": "2026-05-04T09:30:00Z",
  "creator": "ttd",
  "created": "2026-05-04T09:30:00Z",
  "notificationChannel": "Email",
  "ignoreReservation": false,
  "recipients": [
    {
      "emailAddress": "kari@example.com"
    },
    {}
  ],
  "emailTemplate": {
    "fromAddress": "a@b.no",
    "subject": "Blåbær",
    "body": "",
    "contentType": "Plain"
  },
  "links": {
    "self": "http://localhost:5090/notifications/api/v1/orders/6f0d1d55-4e1f-4a9c-9a1e-3f2a5d4b8c01",
    "status": "…/status"
  }
}"""
    )


def test_nulls_are_left_out_and_empty_arrays_written() -> None:
    assert json.loads(write_json(AcceptedDocument(order_id=ID))) == {"orderId": str(ID)}
    lookup = RecipientLookupDocument(status="Success", is_reserved=(), missing_contact=())
    assert json.loads(write_json(AcceptedDocument(order_id=ID, recipient_lookup=lookup))) == {
        "orderId": str(ID),
        "recipientLookup": {"status": "Success", "isReserved": [], "missingContact": []},
    }


def test_a_status_document() -> None:
    status = StatusDocument(
        id=ID,
        requested_send_time=AT,
        creator="ttd",
        created=AT,
        notification_channel="Email",
        processing_status=ProcessingStatus(status="Completed", description="Done.", last_update=AT),
        notifications_status_summary=StatusSummary(
            email=ChannelSummary(links=SelfLink(self="…/email"), generated=1, succeeded=0)
        ),
    )
    assert list(json.loads(write_json(status)))[-2:] == ["processingStatus", "notificationsStatusSummary"]
    assert json.loads(write_json(status))["notificationsStatusSummary"] == {
        "email": {"links": {"self": "…/email"}, "generated": 1, "succeeded": 0}
    }


def notification(number: int) -> EmailNotificationDocument:
    return EmailNotificationDocument(
        id=UUID(int=number),
        succeeded=True,
        recipient=EmailRecipientDocument(email_address=""),
        send_status=SendStatus(status="Delivered", description='"notifications": []\n', last_update=AT),
    )


@pytest.mark.parametrize("sizes", [[], [0], [1], [2, 0, 3], [0, 1]])
def test_a_streamed_list_is_the_list(sizes: list[int]) -> None:
    every = tuple(notification(number) for number in range(sum(sizes)))
    empty = EmailNotificationList(order_id=ID, generated=5, succeeded=1, notifications=())
    stream = StreamedDocument(empty, "notifications")
    written, start = stream.head, 0
    for size in sizes:
        written += stream.write(every[start : start + size])
        start += size
    whole = EmailNotificationList(order_id=ID, generated=5, succeeded=1, notifications=every)
    assert written + stream.tail == write_json(whole)


def test_a_list_of_streamed_orders_is_the_list() -> None:
    recipients = (RecipientDocument(email_address='"recipients": []'), RecipientDocument())
    orders = StreamedDocument(OrderList(count=2, orders=()), "orders")
    written = orders.head
    for _ in range(2):
        inner = StreamedDocument(order(), "recipients", level=orders.inner_level)
        written += orders.separator() + inner.head + inner.write(recipients[:1]) + inner.write(recipients[1:])
        written += inner.tail
    whole = OrderList(count=2, orders=(order(*recipients), order(*recipients)))
    assert written + orders.tail == write_json(whole)


def test_only_an_empty_array_can_be_streamed_into() -> None:
    with pytest.raises(ValueError, match="no empty array"):
        StreamedDocument(order(RecipientDocument()), "recipients")
