"""Placing orders: POST `/orders`, `/orders/email`, `/orders/sms` (api.md 3.5 to 3.7, checklist 6.3)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import BASE, EMAIL_ORDER, ORDER, SMS_ORDER, Service, write_directory

REACHABLE, RESERVED, EMAIL_ONLY, UNKNOWN = "16069412345", "26069412346", "06069412347", "07069412348"
OFFICIAL, USERS_ONLY = "310123456", "310123457"
DIRECTORY: dict[str, Any] = {
    "persons": [
        {"nationalIdentityNumber": REACHABLE, "email": "ola@example.com", "mobileNumber": "99999999"},
        {"nationalIdentityNumber": RESERVED, "isReserved": True, "email": "r@example.com", "mobileNumber": "99999998"},
        {"nationalIdentityNumber": EMAIL_ONLY, "email": "per@example.com"},
    ],
    "organizations": [
        {"organizationNumber": OFFICIAL, "emails": ["post@example.no"], "mobileNumbers": ["+4799999997"]},
        {"organizationNumber": USERS_ONLY, "users": [{"userId": 1, "email": "user@example.no"}]},
    ],
}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path) -> None:
    """The file the service's directory answers from."""
    write_directory(tmp_path, DIRECTORY)


def persons(*numbers: str) -> list[dict[str, str]]:
    return [{"nationalIdentityNumber": number} for number in numbers]


def organizations(*numbers: str) -> list[dict[str, str]]:
    return [{"organizationNumber": number} for number in numbers]


def report(status: str, reserved: tuple[str, ...] = (), missing: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"status": status, "isReserved": [*reserved], "missingContact": [*missing]}


@pytest.mark.parametrize(
    ("path", "order"), [("/orders", ORDER), ("/orders/email", EMAIL_ORDER), ("/orders/sms", SMS_ORDER)]
)
async def test_an_accepted_order_has_an_id_and_a_place(service: Service, path: str, order: Any) -> None:
    """202 with `Location`; no look-up, no `recipientLookup`; no idempotency: the same again is another order."""
    placed = []
    for _ in range(2):
        answer = await service.post(path, order)
        assert answer.status_code == 202
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert answer.json().keys() == {"orderId"}
        order_id = answer.json()["orderId"]
        assert answer.headers["location"] == f"https://varsel.example.no{BASE}/orders/{order_id}"
        placed.append(order_id)
    assert len(set(placed)) == 2
    for order_id in placed:
        assert (await service.document(f"/orders/{order_id}"))["id"] == order_id


@pytest.mark.parametrize(
    ("path", "recipients", "wanted"),
    [
        ("/orders/email", persons(REACHABLE, EMAIL_ONLY) + organizations(OFFICIAL), report("Success")),
        ("/orders/email", persons(REACHABLE, RESERVED, UNKNOWN), report("PartialSuccess", (RESERVED,), (UNKNOWN,))),
        ("/orders/email", persons(RESERVED, UNKNOWN), report("Failed", (RESERVED,), (UNKNOWN,))),
        # Contact points registered by users count only at processing.
        ("/orders/email", organizations(USERS_ONLY), report("Failed", (), (USERS_ONLY,))),
        ("/orders/sms", persons(REACHABLE, EMAIL_ONLY), report("PartialSuccess", (), (EMAIL_ONLY,))),
        ("/orders", persons(REACHABLE, EMAIL_ONLY), report("Success")),  # preferred: either address will do
        # Those with an address of their own are not looked up and do not count.
        ("/orders/sms", [{"mobileNumber": "+4799999996"}, *persons(UNKNOWN)], report("Failed", (), (UNKNOWN,))),
    ],
)
async def test_the_look_up_is_reported_and_changes_nothing(
    service: Service, path: str, recipients: list[dict[str, str]], wanted: dict[str, Any]
) -> None:
    order = {"/orders": ORDER, "/orders/email": EMAIL_ORDER, "/orders/sms": SMS_ORDER}[path]
    for ignoring in ({}, {"ignoreReservation": True}):  # which has no influence on the report (api.md 5, item 19)
        answer = await service.post(path, {**order, "recipients": recipients, **ignoring})
        assert answer.status_code == 202
        assert answer.json()["recipientLookup"] == wanted
        assert (await service.document(f"/orders/{answer.json()['orderId']}"))["recipients"] == recipients


async def test_a_large_look_up_is_tallied_over_all_its_parts(service: Service) -> None:
    everybody = persons(*(f"{number:011d}" for number in range(1_200)), REACHABLE)
    answer = await service.post("/orders/email", {**EMAIL_ORDER, "recipients": everybody})
    lookup = answer.json()["recipientLookup"]
    assert (lookup["status"], len(lookup["missingContact"])) == ("PartialSuccess", 1_200)


@pytest.mark.parametrize("channel", ["Email", "Sms", "EmailPreferred", "SmsPreferred", "EmailAndSms"])
async def test_each_channel_is_accepted_with_each_kind_of_recipient(service: Service, channel: str) -> None:
    addresses = {"emailAddress": "kari@example.com", "mobileNumber": "+4799999999"}
    for recipient in (addresses, *persons(REACHABLE), *organizations(OFFICIAL)):
        order_id = await service.accepted(
            "/orders", {**ORDER, "notificationChannel": channel, "recipients": [recipient]}
        )
        shown = await service.document(f"/orders/{order_id}")
        assert (shown["notificationChannel"], shown["recipients"]) == (channel, [recipient])


async def test_orders_placed_at_the_same_moment_are_each_stored_once(service: Service) -> None:
    """They share commits (design.md 2.5); every caller gets the id of its own."""
    answers = await asyncio.gather(
        *(service.post("/orders/email", {**EMAIL_ORDER, "sendersReference": f"r{number}"}) for number in range(200))
    )
    for number, answer in enumerate(answers):
        order = await service.document(f"/orders/{answer.json()['orderId']}")
        assert order["sendersReference"] == f"r{number}"
    assert await service.rig.pool.fetchval("SELECT count(*) FROM orders") == 200
