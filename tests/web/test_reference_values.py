"""Values for which the reference service was measured, over HTTP: blank references, empty addresses, media types
(api.md 1.2, 1.7, 3.5, 3.6 and 3.14)."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.future_bodies import EMAIL
from tests.support.placing import (
    CHAIN,
    CHAIN_PATH,
    COMPOSED,
    COMPOSED_PATH,
    INSTANT_EMAIL_PATH,
    Placed,
    feed,
    instant_email,
    place,
    placed,
    shipment,
)
from tests.support.service import EMAIL_ORDER, ORDER, SMS_ORDER, Service

BLANKS = ["", "  ", "\t", "\r\n"]
V1_ORDERS = [("/orders", ORDER), ("/orders/email", EMAIL_ORDER), ("/orders/sms", SMS_ORDER)]
NEWER_ORDERS = [(CHAIN_PATH, CHAIN), (COMPOSED_PATH, COMPOSED), (INSTANT_EMAIL_PATH, instant_email("kari"))]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize(("path", "body"), V1_ORDERS)
async def test_a_blank_reference_is_shown_by_the_order_and_nowhere_else_on_v1(
    service: Service, path: str, body: dict[str, Any], blank: str
) -> None:
    order_id = await service.accepted(path, {**body, "sendersReference": blank})
    assert (await service.document(f"/orders/{order_id}"))["sendersReference"] == blank
    assert "sendersReference" not in await service.status(order_id)
    for channel in ("email", "sms"):
        assert "sendersReference" not in await service.document(f"/orders/{order_id}/notifications/{channel}")
    assert (await service.get("/orders", params={"sendersReference": blank})).status_code == 400


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize(("path", "body"), NEWER_ORDERS)
async def test_a_blank_reference_is_told_when_placed_and_when_replayed(
    service: Service, path: str, body: dict[str, Any], blank: str
) -> None:
    for status in (201, 200):
        answer = await place(service, path, {**body, "sendersReference": blank})
        assert answer.status_code == status
        assert answer.json()["notification"]["sendersReference"] == blank
    order_id = Placed.told_by(answer).main
    assert (await service.document(f"/orders/{order_id}"))["sendersReference"] == blank
    assert "sendersReference" not in await shipment(service, order_id)
    assert "sendersReference" not in await service.status(order_id)


async def test_a_blank_reference_of_a_reminder_is_told(service: Service) -> None:
    body = {**CHAIN, "reminders": [{"delayDays": 1, "recipient": EMAIL, "sendersReference": ""}]}
    for status in (201, 200):
        answer = await place(service, CHAIN_PATH, body)
        assert answer.status_code == status
        assert answer.json()["notification"]["reminders"][0]["sendersReference"] == ""


async def test_a_blank_reference_is_left_out_of_the_feed_and_of_lists(service: Service) -> None:
    body = {"idempotencyId": "blank", "recipient": EMAIL, "sendersReference": " "}
    order_id = (await placed(service, body)).main
    for _ in range(3):
        await service.rig.work(after=timedelta(minutes=1))
    (entry,) = await feed(service)
    assert entry["shipmentId"] == str(order_id)
    assert "sendersReference" not in entry
    listed = await service.document(f"/orders/{order_id}/notifications/email")
    assert listed["generated"] == 1
    assert "sendersReference" not in listed


async def test_an_empty_address_of_a_v1_recipient_is_none(service: Service) -> None:
    recipients = [
        {"emailAddress": "", "nationalIdentityNumber": "16069412345"},
        {"mobileNumber": "", "emailAddress": "kari@example.com"},
        {"emailAddress": "", "mobileNumber": "+4799999999"},
    ]
    order = await service.document(f"/orders/{await service.accepted('/orders', {**ORDER, 'recipients': recipients})}")
    assert order["recipients"] == [
        {"nationalIdentityNumber": "16069412345"},
        {"emailAddress": "kari@example.com"},
        {"mobileNumber": "+4799999999"},
    ]


@pytest.mark.parametrize("query", ["pageSize=", "pageSize", "PAGESIZE=", "pageSize=%20", "pageSize=&pageSize=x"])
async def test_an_empty_page_size_is_as_good_as_none(service: Service, query: str) -> None:
    assert (await service.get(f"/future/shipment/feed?{query}")).status_code == 200


@pytest.mark.parametrize("query", ["seq=", "seq", "orderBy=", "orderBy", "pageSize=x"])
async def test_other_empty_parameters_of_the_feed_are_refused(service: Service, query: str) -> None:
    assert (await service.get(f"/future/shipment/feed?{query}")).status_code == 400


async def test_addresses_are_shown_as_sent(service: Service) -> None:
    address = " https://example.com/a\\b?100%\r\n"
    v1 = await service.accepted("/orders", {**ORDER, "conditionEndpoint": address})
    newer = (await placed(service, {**CHAIN, "conditionEndpoint": address})).main
    for order_id in (v1, newer):
        assert (await service.document(f"/orders/{order_id}"))["conditionEndpoint"] == address
        assert (await service.status(order_id))["conditionEndpoint"] == address
