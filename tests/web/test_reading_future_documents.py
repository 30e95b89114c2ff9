"""What callers of the newer interface are told (api.md 3.9, 3.14; checklist C2), and how it is described."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from varsel.intake.credentials import Policy
from varsel.intake.documents import write_json
from varsel.intake.openapi_document import build_document
from varsel.intake.times import write_time
from varsel.intake.wire_future import (
    FeedEntry,
    ShipmentDocument,
    feed_recipient,
    order_status_name,
    placed_document,
    shipment_recipient,
)
from varsel.intake.wire_future.routes import ROUTES
from varsel.intake.wire_v1 import EmailOrderRequest, OrderRequest, SmsOrderRequest
from varsel.model.chains import Placed, Shipment
from varsel.model.orders import OrderStatus
from varsel.model.results import Result

CHAIN_ID = UUID("3d3f0c2a-4e5b-4b0e-9a39-6a1f8d6c0b77")
MAIN = UUID("6f0d1d55-4e1f-4a9c-9a1e-3f2a5d4b8c01")
REMINDER = UUID("8a4b7f1e-0c52-4f0e-8c1b-5d2f9e7a6b10")
DELIVERED = datetime(2026, 5, 4, 9, 31, 10, 4211, UTC)
DELIVERED_US = 1_777_887_070_004_211
"""The same instant in microseconds since 1970."""


def written(document: Any) -> Any:
    return json.loads(write_json(document))


def test_a_placed_chain() -> None:
    placed = Placed(CHAIN_ID, Shipment(MAIN, "case-2026-0042"), (Shipment(REMINDER, "r1"), Shipment(CHAIN_ID)))
    assert written(placed_document(placed)) == {
        "notificationOrderId": str(CHAIN_ID),
        "notification": {
            "shipmentId": str(MAIN),
            "sendersReference": "case-2026-0042",
            "reminders": [{"shipmentId": str(REMINDER), "sendersReference": "r1"}, {"shipmentId": str(CHAIN_ID)}],
        },
    }


def test_without_reminders_and_reference_there_is_only_the_shipment() -> None:
    assert written(placed_document(Placed(CHAIN_ID, Shipment(MAIN)))) == {
        "notificationOrderId": str(CHAIN_ID),
        "notification": {"shipmentId": str(MAIN)},
    }


def test_a_shipment_names_the_type_of_its_recipients_first() -> None:
    shipment = ShipmentDocument(
        shipment_id=MAIN,
        senders_reference="case-2026-0042",
        type="Notification",
        status=order_status_name(OrderStatus.Processed),
        last_update=write_time(DELIVERED),
        recipients=(
            shipment_recipient("kari@example.com", Result.EMAIL_DELIVERED, DELIVERED),
            shipment_recipient("", Result.SMS_FAILED_TTL, DELIVERED),
        ),
    )
    found = written(shipment)
    assert found == {
        "shipmentId": str(MAIN),
        "sendersReference": "case-2026-0042",
        "type": "Notification",
        "status": "Order_Processed",
        "lastUpdate": "2026-05-04T09:31:10.004211Z",
        "recipients": [
            {
                "type": "Email",
                "destination": "kari@example.com",
                "status": "Email_Delivered",
                "lastUpdate": "2026-05-04T09:31:10.004211Z",
            },
            {
                "type": "SMS",
                "destination": "",
                "status": "SMS_Failed_TTL",
                "lastUpdate": "2026-05-04T09:31:10.004211Z",
            },
        ],
    }
    assert [next(iter(recipient)) for recipient in found["recipients"]] == ["type", "type"]


def test_a_shipment_without_notifications_has_an_empty_array() -> None:
    shipment = ShipmentDocument(
        shipment_id=MAIN, type="Composed", status="Order_Registered", last_update=write_time(DELIVERED), recipients=()
    )
    assert written(shipment)["recipients"] == []
    assert "sendersReference" not in written(shipment)


def test_a_feed_entry_has_no_type_in_its_recipients() -> None:
    entry = FeedEntry(
        sequence_number=104217,
        shipment_id=MAIN,
        shipment_type="Notification",
        status="Order_Completed",
        last_update=write_time(DELIVERED),
        recipients=(feed_recipient("kari@example.com", Result.EMAIL_DELIVERED, DELIVERED_US),),
    )
    assert written([entry]) == [
        {
            "sequenceNumber": 104217,
            "shipmentId": str(MAIN),
            "shipmentType": "Notification",
            "status": "Order_Completed",
            "lastUpdate": "2026-05-04T09:31:10.004211Z",
            "recipients": [
                {
                    "destination": "kari@example.com",
                    "status": "Email_Delivered",
                    "lastUpdate": "2026-05-04T09:31:10.004211Z",
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (Result.EMAIL_FAILED_INVALID_FORMAT, "Email_Failed_InvalidFormat"),
        (Result.EMAIL_FAILED_SUPPRESSED_RECIPIENT, "Email_Failed_SuppressedRecipient"),
        (Result.EMAIL_FAILED_TTL, "Email_Failed_TTL"),
        (Result.SMS_ACCEPTED, "SMS_Accepted"),
    ],
)
def test_results_have_the_newer_names(result: Result, name: str) -> None:
    assert shipment_recipient("x", result, DELIVERED).status == name
    assert feed_recipient("x", result, DELIVERED_US).status == name


def test_order_statuses_are_not_masked() -> None:
    assert {order_status_name(status) for status in OrderStatus} == {
        "Order_Registered",
        "Order_Processing",
        "Order_Completed",
        "Order_SendConditionNotMet",
        "Order_Cancelled",
        "Order_Processed",
    }


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return build_document(ROUTES, title="Varsel", version="1", server="http://localhost:5090")


def test_every_operation_is_described(described: dict[str, Any]) -> None:
    own = {f"{route.method} {route.path}": set(route.responses) for route in ROUTES}
    base = "/notifications/api/v1/future"
    assert own == {
        f"POST {base}/orders": {200, 201, 422, 499},
        f"POST {base}/orders/composed-email": {200, 201, 499},
        f"POST {base}/orders/instant/sms": {200, 201, 499, 503},
        f"POST {base}/orders/instant/email": {200, 201, 499, 503},
        f"POST {base}/orders/instant": {200, 201, 499, 503},
        f"GET {base}/shipment/{{id}}": {200, 404, 499},
        f"GET {base}/shipment/feed": {200, 499},
    }
    for route in ROUTES:
        operation = described["paths"][route.path][route.method.lower()]
        assert {str(status) for status in route.responses} <= operation["responses"].keys()
        assert operation.get("deprecated", False) is route.path.endswith("/instant")
    assert len({route.operation_id for route in ROUTES}) == len(ROUTES)


def test_only_composed_e_mails_have_a_scope_of_their_own() -> None:
    assert {route.path.rpartition("/")[2] for route in ROUTES if route.policy is not Policy.CREATE} == {
        "composed-email"
    }
    (composed,) = [route for route in ROUTES if route.policy is not Policy.CREATE]
    assert composed.policy is Policy.COMPOSED


def test_what_must_be_there_is_described(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    required = {name: set(schema["required"]) for name, schema in schemas.items() if "required" in schema}
    assert required["ChainRequest"] == {"idempotencyId", "recipient"}
    assert required["PersonRequest"] == {"nationalIdentityNumber", "channelSchema"}
    assert required["AttachmentRequest"] == {"filename", "mimeType", "sasUrl"}
    assert required["InstantSmsRecipient"] == {"phoneNumber", "timeToLiveInSeconds", "smsSettings"}
    assert "RecipientChoice" not in required


def test_values_are_described(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    person = schemas["PersonRequest"]["properties"]
    assert person["channelSchema"]["$ref"].endswith("/NotificationChannel")
    assert schemas["NotificationChannel"]["enum"] == ["Email", "Sms", "EmailPreferred", "SmsPreferred", "EmailAndSms"]
    assert person["nationalIdentityNumber"]["pattern"] == "^[0-9]{11}$"
    assert schemas["ReminderRequest"]["properties"]["delayDays"]["minimum"] == 1
    assert schemas["ChainRequest"]["properties"]["reminders"]["type"] == ["array", "null"]
    lifetime = schemas["InstantSmsRecipient"]["properties"]["timeToLiveInSeconds"]
    assert (lifetime["minimum"], lifetime["maximum"]) == (60, 172_800)
    assert schemas["AttachmentRequest"]["properties"]["mimeType"]["description"].count("`") == 2 * 60


def test_no_schema_is_called_like_one_of_the_older_interface(described: dict[str, Any]) -> None:
    older = {"OrderRequest", "RecipientRequest", "EmailTemplate", "SmsTemplate"}
    older |= {shape.__name__ for shape in (OrderRequest, EmailOrderRequest, SmsOrderRequest)}
    assert older.isdisjoint(described["components"]["schemas"])
