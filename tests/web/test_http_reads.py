"""Reading orders and their status: GET `/orders/{id}`, `/orders?sendersReference=`, `/orders/{id}/status`
(api.md 3.1 to 3.3, checklist 6.3)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.orders import emails, make_order, many
from tests.support.raw_http import request
from tests.support.rig import NOON, Rig
from tests.support.service import BASE, EMAIL_ORDER, ORDER, SMS_ORDER, Service, running_service, write_directory
from varsel.contacts.fixed import FixedDirectory
from varsel.model.ids import new_id
from varsel.model.orders import NotificationChannel, OrderType, Recipient
from varsel.outgoing.verdict import NotMet
from varsel.storage import orders
from varsel.storage.pool import Pool

PERSON = "16069412345"
COMPLETED = "Order processing is completed. All notifications have been generated."


async def test_an_order_is_shown_as_it_was_placed(service: Service, tmp_path: Path) -> None:
    """GET order: defaults filled in; `isReserved` and looked-up addresses absent; URN prefix kept."""
    write_directory(tmp_path, {"persons": [{"nationalIdentityNumber": PERSON, "email": "ola@example.com"}]})
    placed = {
        **ORDER,
        "sendersReference": "Case-42",
        "requestedSendTime": "2026-06-15T14:30:00.1234567+02:00",
        "ignoreReservation": False,
        "resourceId": "urn:altinn:resource:app_ttd_letters",
        "resourceAction": "read",
        "conditionEndpoint": "https://ttd.apps.example.no/check?case=42",
        "recipients": [
            {"nationalIdentityNumber": PERSON, "isReserved": True},
            {"organizationNumber": "310123456"},
            {"emailAddress": " Kari@Example.com ", "mobileNumber": "004799999999"},
        ],
    }

    order_id = await service.accepted("/orders", placed)

    link = f"https://varsel.example.no{BASE}/orders/{order_id}"
    assert await service.document(f"/orders/{order_id}") == {
        "id": str(order_id),
        "sendersReference": "Case-42",
        "requestedSendTime": "2026-06-15T12:30:00.1234567Z",
        "creator": "ttd",
        "created": "2026-06-15T10:00:00Z",
        "notificationChannel": "EmailPreferred",
        "ignoreReservation": False,
        "resourceId": "urn:altinn:resource:app_ttd_letters",
        "resourceAction": "read",
        "conditionEndpoint": "https://ttd.apps.example.no/check?case=42",
        "recipients": [
            {"nationalIdentityNumber": PERSON},
            {"organizationNumber": "310123456"},
            {"emailAddress": " Kari@Example.com ", "mobileNumber": "004799999999"},
        ],
        "emailTemplate": {
            "fromAddress": "noreply@altinn.cloud",
            "subject": "Subject",
            "body": "Body",
            "contentType": "Plain",
        },
        "smsTemplate": {"senderNumber": "Altinn", "body": "Text"},
        "links": {"self": link, "status": f"{link}/status"},
    }


async def test_what_was_not_given_is_not_shown(service: Service) -> None:
    order = await service.document(f"/orders/{await service.accepted('/orders/email', EMAIL_ORDER)}")
    assert order.keys() == {
        "id",
        "requestedSendTime",
        "creator",
        "created",
        "notificationChannel",
        "recipients",
        "emailTemplate",
        "links",
    }
    assert (order["notificationChannel"], order["requestedSendTime"]) == ("Email", order["created"])
    sms = await service.document(f"/orders/{await service.accepted('/orders/sms', SMS_ORDER)}")
    assert sms["notificationChannel"] == "Sms"
    assert sms["smsTemplate"] == {"senderNumber": "Altinn", "body": "Text"}
    assert "emailTemplate" not in sms


async def test_the_short_orders_forget_the_other_address(service: Service) -> None:
    both = [{"emailAddress": "kari@example.com", "mobileNumber": "+4799999999"}]
    email = await service.accepted("/orders/email", {**EMAIL_ORDER, "recipients": both})
    assert (await service.document(f"/orders/{email}"))["recipients"] == [{"emailAddress": "kari@example.com"}]
    sms = await service.accepted("/orders/sms", {**SMS_ORDER, "recipients": both})
    assert (await service.document(f"/orders/{sms}"))["recipients"] == [{"mobileNumber": "+4799999999"}]


async def test_orders_of_every_type_are_readable(service: Service) -> None:
    self_identified = [Recipient(external_identity="urn:altinn:username:kari")]
    for kind in OrderType:
        order = make_order(self_identified, NOON, type=kind, chain_id=None, senders_reference="any")
        await service.rig.store(order)
        assert (await service.document(f"/orders/{order.id}"))["recipients"] == [{}]
        assert (await service.status(order.id))["id"] == str(order.id)
    assert (await service.document("/orders", params={"sendersReference": "any"}))["count"] == len(OrderType)


async def test_orders_of_others_and_unknown_ones_are_404_without_a_body(service: Service) -> None:
    theirs = await service.accepted("/orders/email", EMAIL_ORDER, org="skd")
    for order_id in (theirs, new_id()):
        for path in ("", "/status", "/notifications/email", "/notifications/sms"):
            answer = await service.raw(request("GET", f"{BASE}/orders/{order_id}{path}", service.bearer()))
            assert (answer.status, answer.body, answer.headers["content-length"]) == (404, b"", "0")
    assert (await service.get(f"/orders/{theirs}", org="SKD")).status_code == 404  # compared exactly
    assert (await service.get(f"/orders/{theirs}", org="skd")).status_code == 200


async def test_what_is_no_guid_is_400_under_id(service: Service) -> None:
    for path in ("/orders/email", "/orders/sms", "/orders/1", "/orders/x/status", "/orders/%00/notifications/sms"):
        answer = await service.get(path)
        assert answer.status_code == 400
        assert answer.json()["errors"].keys() == {"id"}


async def test_an_id_is_never_taken_for_the_place_of_an_id(service: Service) -> None:
    for path in ("/orders/{id}", "/orders/%7Bid%7D/status"):
        assert (await service.get(path)).status_code == 400
    nowhere = ("/orders//status", "/orders/x/y/z", "/future/shipment/{id}", "/future/shipment/{guid}", "/future/{id}")
    for path in nowhere:
        assert (await service.get(path)).status_code == 404


async def test_orders_are_found_by_exactly_their_reference(service: Service) -> None:
    """GET orders by reference: 0, 1, several; duplicates; exact and case-sensitive; only one's own."""
    reference = "Case 42/ø + ?&=%"
    placed = [await service.accepted("/orders/email", {**EMAIL_ORDER, "sendersReference": reference}) for _ in range(3)]
    await service.accepted("/orders/email", {**EMAIL_ORDER, "sendersReference": reference}, org="skd")
    await service.accepted("/orders/email", {**EMAIL_ORDER, "sendersReference": "alone"})

    found = await service.document("/orders", params={"sendersReference": reference})

    assert found["count"] == 3
    assert {order["id"] for order in found["orders"]} == {str(order_id) for order_id in placed}
    assert found["orders"][0] == await service.document(f"/orders/{found['orders'][0]['id']}")
    assert (await service.document("/orders?sendersReference=alone&other=1"))["count"] == 1
    for stranger in (reference.upper(), reference + " ", "none", "a\0b"):
        nothing = await service.document("/orders", params={"sendersReference": stranger})
        assert nothing == {"count": 0, "orders": []}


async def test_a_reference_must_be_given(service: Service) -> None:
    for query in ("", "?sendersReference=", "?reference=x", "?sendersReference=%20"):
        answer = await service.get(f"/orders{query}")
        assert answer.status_code == 400
        assert answer.json()["errors"].keys() == {"sendersReference"}


async def test_a_large_order_is_shown_whole_alone_and_in_a_list(service: Service) -> None:
    """More than 500 recipients lie in several parts and are written part by part."""
    recipients = [{"emailAddress": f"user{number}@example.com"} for number in range(1_234)]
    large = {**EMAIL_ORDER, "sendersReference": "large", "recipients": recipients}
    order_id = await service.accepted("/orders/email", large)
    await service.accepted("/orders/email", {**EMAIL_ORDER, "sendersReference": "large"})

    order = await service.document(f"/orders/{order_id}")
    assert order["recipients"] == recipients
    assert order["links"]["self"].endswith(str(order_id))
    found = await service.document("/orders", params={"sendersReference": "large"})
    assert (found["count"], len(found["orders"])) == (2, 2)
    assert order in found["orders"]


def processing(status: str, description: str, last_update: str = "2026-06-15T10:00:00Z") -> dict[str, str]:
    """Write the part of a status document that tells where the order stands."""
    return {"status": status, "description": description, "lastUpdate": last_update}


async def test_status_of_an_order_that_waits(service: Service) -> None:
    """Before it is due, and claimed: `lastUpdate` does not move (api.md 5, item 8), and there is no summary yet."""
    later = {**EMAIL_ORDER, "requestedSendTime": "2026-06-15T10:30:00Z", "sendersReference": "r"}
    order_id = await service.accepted("/orders/email", later)
    assert await service.status(order_id) == {
        "id": str(order_id),
        "sendersReference": "r",
        "requestedSendTime": "2026-06-15T10:30:00Z",
        "creator": "ttd",
        "created": "2026-06-15T10:00:00Z",
        "notificationChannel": "Email",
        "processingStatus": processing(
            "Registered", "Order has been registered and is awaiting requested send time before processing."
        ),
    }

    await service.claim(NOON + timedelta(hours=1))

    assert (await service.status(order_id))["processingStatus"] == processing(
        "Processing", "Order processing is ongoing. Notifications are being generated."
    )


async def test_status_of_processed_and_completed_orders_has_the_guide_s_text(service: Service) -> None:
    """contract/README.md: both show as Completed with one text; a summary has only channels with notifications."""
    processed = await service.accepted("/orders/email", to("never-reported@example.com"))
    completed = await service.accepted("/orders/email", to("bounced@example.com"))
    both = await service.accepted(
        "/orders", {**ORDER, "recipients": [{"emailAddress": "kari@example.com", "mobileNumber": "+4799999999"}]}
    )

    await service.rig.work(after=timedelta(seconds=1))

    for order_id, succeeded in ((processed, 1), (completed, 0)):
        status = await service.status(order_id)
        assert status["processingStatus"] == processing("Completed", COMPLETED, "2026-06-15T10:00:01Z")
        assert status["notificationsStatusSummary"] == {"email": summary(order_id, "email", succeeded)}
    assert (await service.status(both))["notificationsStatusSummary"] == {
        "email": summary(both, "email", 1),
        "sms": summary(both, "sms", 1),
    }


def to(*addresses: str) -> dict[str, Any]:
    """Return an e-mail order to these addresses."""
    return {**EMAIL_ORDER, "recipients": [{"emailAddress": address} for address in addresses]}


def summary(order_id: UUID, channel: str, succeeded: int, generated: int = 1) -> dict[str, Any]:
    """Write the counts of one channel."""
    link = f"https://varsel.example.no{BASE}/orders/{order_id}/notifications/{channel}"
    return {"links": {"self": link}, "generated": generated, "succeeded": succeeded}


async def test_accepted_and_delivered_sms_count_as_succeeded(service: Service) -> None:
    """contract/README.md: the guide's meaning, not the running service's (api.md 5, item 6)."""
    numbers = ["+4799000090", "+4799000096", "+4799000091"]  # delivered, never reported, undelivered
    order = {**SMS_ORDER, "recipients": [{"mobileNumber": number} for number in numbers]}
    order_id = await service.accepted("/orders/sms", order)

    await service.rig.work()

    assert (await service.status(order_id))["notificationsStatusSummary"] == {"sms": summary(order_id, "sms", 2, 3)}


async def test_status_of_a_stopped_order(pool: Pool, tmp_path: Path) -> None:
    async def not_met(_address: str, _creator: str) -> NotMet:
        return NotMet()

    rig = Rig(pool, FixedDirectory(None), ask_condition=not_met)
    async with running_service(pool, tmp_path, rig=rig) as service:
        conditional = {**EMAIL_ORDER, "conditionEndpoint": "https://ttd.apps.example.no/check"}
        order_id = await service.accepted("/orders/email", conditional)
        await rig.work()

        status = await service.status(order_id)
        assert status["processingStatus"]["status"] == "SendConditionNotMet"
        text = "Order processing was stopped due to send condition not being met."
        assert status["processingStatus"]["description"] == text
        assert "notificationsStatusSummary" not in status
        assert await rig.kept() == []


async def test_status_of_many_recipients_counts_them_all(service: Service) -> None:
    order = make_order(many(1_100) + emails("bounced"), NOON, channel=NotificationChannel.Email)
    await service.rig.store(order)
    await service.rig.work()
    email = (await service.status(order.id))["notificationsStatusSummary"]["email"]
    assert (email["generated"], email["succeeded"]) == (1_101, 1_100)


@pytest.mark.parametrize("path", ["", "/status"])
async def test_concurrent_reads_of_different_callers_are_kept_apart(service: Service, path: str) -> None:
    """Reads that wait together share one statement; each must still see its own and nothing else."""
    mine = [await service.accepted("/orders/email", EMAIL_ORDER) for _ in range(5)]
    theirs = [await service.accepted("/orders/email", EMAIL_ORDER, org="skd") for _ in range(5)]
    asked = [(order_id, org) for order_id in mine + theirs for org in ("ttd", "skd")]
    answers = await asyncio.gather(*(service.get(f"/orders/{order_id}{path}", org=org) for order_id, org in asked))
    for (order_id, org), answer in zip(asked, answers, strict=True):
        owner = "ttd" if order_id in mine else "skd"
        assert answer.status_code == (200 if org == owner else 404)
        if org == owner:
            assert (answer.json()["id"], answer.json()["creator"]) == (str(order_id), org)


async def test_a_reference_that_very_many_orders_carry_finds_them_all(service: Service) -> None:
    """Such a list is written as its orders are read, and counted on the way."""
    placed = [make_order(emails("kari"), NOON, senders_reference="yearly") for _ in range(612)]
    await orders.insert_many(service.rig.pool, placed)
    found = await service.document("/orders", params={"sendersReference": "yearly"})
    assert found["count"] == 612
    assert {order["id"] for order in found["orders"]} == {str(order.id) for order in placed}
