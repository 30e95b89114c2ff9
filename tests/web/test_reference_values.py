"""Values for which the reference service was measured, over HTTP: blank references, empty addresses, media types
(api.md 1.2, 1.7, 3.5, 3.6 and 3.14)."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.future_bodies import EMAIL
from tests.support.issuer import COMPOSED as COMPOSED_SCOPE
from tests.support.issuer import CREATE
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
from tests.support.service import BASE, EMAIL_ORDER, ORDER, SMS_ORDER, Service

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
    first, replay = [await place(service, path, {**body, "sendersReference": blank}) for _ in range(2)]
    assert (first.status_code, replay.status_code) == (201, 200)
    for answer in (first, replay):
        assert answer.json()["notification"]["sendersReference"] == blank
    order_id = Placed.told_by(first).main
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


@pytest.mark.parametrize("media_type", ["application/vnd.ttd+json", "Application/Merge-Patch+JSON; charset=utf-8"])
@pytest.mark.parametrize(("path", "body"), [*V1_ORDERS, *NEWER_ORDERS])
async def test_types_that_end_with_json_are_json(
    service: Service, path: str, body: dict[str, Any], media_type: str
) -> None:
    headers = service.bearer(scopes=[CREATE, COMPOSED_SCOPE]) | {"Content-Type": media_type}
    answer = await service.client.post(BASE + path, content=json.dumps(body), headers=headers)
    assert answer.status_code in (201, 202)
    assert (await service.client.get(f"{BASE}/future/shipment/feed", headers=headers)).status_code == 200


@pytest.mark.parametrize("media_type", ["text/x+json", "application/json+xml", "application/jsonp", "+json"])
async def test_other_types_are_refused_before_the_credentials(service: Service, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    answer = await service.client.post(f"{BASE}/orders", content="{}", headers=headers)
    assert (answer.status_code, answer.content) == (415, b"")


@pytest.mark.parametrize("charset", ["iso-8859-1", "us-ascii", "utf8", "utf-32"])
@pytest.mark.parametrize("path", ["/orders", "/future/orders"])
async def test_a_foreign_charset_is_refused_after_the_credentials(service: Service, path: str, charset: str) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    assert (await service.client.post(BASE + path, content="{}", headers=headers)).status_code == 401
    answer = await service.client.post(BASE + path, content="{}", headers=headers | service.bearer())
    assert (answer.status_code, answer.json()["title"]) == (415, "Unsupported Media Type")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/problem+json", "application/problem+json; charset=utf-8"),
        ("text/html, Application/Problem+JSON;q=0.5", "application/problem+json; charset=utf-8"),
        ("application/problem+json;q=0", "application/json; charset=utf-8"),
        ("application/*, */*", "application/json; charset=utf-8"),
        ("application/json", "application/json; charset=utf-8"),
        ("application/problem+xml", "application/json; charset=utf-8"),
    ],
)
async def test_problems_are_typed_as_such_for_who_asks_by_name(
    service: Service, accept: str, content_type: str
) -> None:
    headers = service.bearer() | {"Accept": accept}
    for problem in (
        await service.client.post(f"{BASE}/orders", json={}, headers=headers),
        await service.client.get(f"{BASE}/orders/no-guid", headers=headers),
        await service.client.get(f"{BASE}/future/shipment/{uuid4()}", headers=headers),
        await service.client.put(f"{BASE}/orders/{uuid4()}/cancel", headers=headers),
    ):
        assert problem.headers["content-type"] == content_type
        assert problem.json()["status"] == problem.status_code
    found = await service.client.get(f"{BASE}/future/shipment/feed", headers=headers)
    assert found.headers["content-type"] == "application/json; charset=utf-8"


async def test_a_401_says_which_credentials_are_wanted(service: Service) -> None:
    for answer in (
        await service.client.get(f"{BASE}/orders/{uuid4()}"),
        await service.client.post(f"{BASE}/future/orders", json={}, headers={"Authorization": "Bearer x"}),
    ):
        assert (answer.status_code, answer.content) == (401, b"")
        assert answer.headers["www-authenticate"] == "Bearer"
    refused = await service.client.get(f"{BASE}/orders/{uuid4()}", headers=service.bearer(scopes=["altinn:other"]))
    assert refused.status_code == 403
    assert "www-authenticate" not in refused.headers


@pytest.mark.parametrize("separator", ["\x1c", "\x1d", "\x1e", "\x1f"])
async def test_control_characters_that_separate_files_are_no_white_space(service: Service, separator: str) -> None:
    await service.accepted("/orders/email", {**EMAIL_ORDER, "subject": separator, "body": separator})
    resource = {"resourceId": separator, "resourceAction": separator, "sendersReference": separator}
    order_id = await service.accepted("/orders", {**ORDER, **resource})
    assert (await service.status(order_id))["sendersReference"] == separator
    found = await service.get("/orders", params={"sendersReference": separator})
    assert found.json()["count"] == 1
    body = {**CHAIN, "idempotencyId": separator}
    assert (await place(service, CHAIN_PATH, body)).status_code == 201
