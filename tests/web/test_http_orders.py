"""Placing orders: POST `/orders`, `/orders/email`, `/orders/sms` (api.md 3.5 to 3.7, checklist 6.3)."""

import asyncio
from collections.abc import Collection, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import BASE, EMAIL_ORDER, ORDER, SMS_ORDER, Service, running_service, write_directory
from tests.support.until import until
from varsel.contacts.fixed import FixedDirectory
from varsel.errors import DependencyFailure
from varsel.model.contacts import PersonContact
from varsel.model.orders import NotificationChannel
from varsel.storage.pool import Pool

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


LOOK_UPS: list[tuple[str, list[dict[str, str]], dict[str, Any]]] = [
    ("/orders/email", persons(REACHABLE, EMAIL_ONLY) + organizations(OFFICIAL), report("Success")),
    ("/orders/email", persons(REACHABLE, RESERVED, UNKNOWN), report("PartialSuccess", (RESERVED,), (UNKNOWN,))),
    ("/orders/email", persons(RESERVED, UNKNOWN), report("Failed", (RESERVED,), (UNKNOWN,))),
    # Contact points registered by users count only at processing.
    ("/orders/email", organizations(USERS_ONLY), report("Failed", (), (USERS_ONLY,))),
    ("/orders/sms", persons(REACHABLE, EMAIL_ONLY), report("PartialSuccess", (), (EMAIL_ONLY,))),
    ("/orders", persons(REACHABLE, EMAIL_ONLY), report("Success")),  # preferred: either address will do
    # Those with an address of their own are not looked up and do not count.
    ("/orders/sms", [{"mobileNumber": "+4799999996"}, *persons(UNKNOWN)], report("Failed", (), (UNKNOWN,))),
]


async def test_the_look_up_is_reported_and_changes_nothing(service: Service) -> None:
    orders = {"/orders": ORDER, "/orders/email": EMAIL_ORDER, "/orders/sms": SMS_ORDER}
    for path, recipients, wanted in LOOK_UPS:
        for ignoring in ({}, {"ignoreReservation": True}):  # which changes nothing here (api.md 5, item 19)
            answer = await service.post(path, {**orders[path], "recipients": recipients, **ignoring})
            assert answer.status_code == 202
            assert answer.json()["recipientLookup"] == wanted
            assert (await service.document(f"/orders/{answer.json()['orderId']}"))["recipients"] == recipients


async def test_a_large_look_up_is_tallied_over_all_its_parts(service: Service) -> None:
    everybody = persons(*(f"{number:011d}" for number in range(1_200)), REACHABLE)
    answer = await service.post("/orders/email", {**EMAIL_ORDER, "recipients": everybody})
    lookup = answer.json()["recipientLookup"]
    assert (lookup["status"], len(lookup["missingContact"])) == ("PartialSuccess", 1_200)


async def test_each_channel_is_accepted_with_each_kind_of_recipient(service: Service) -> None:
    addresses = {"emailAddress": "kari@example.com", "mobileNumber": "+4799999999"}
    recipients = (addresses, *persons(REACHABLE), *organizations(OFFICIAL))
    for channel, recipient in product(NotificationChannel.__members__, recipients):
        order_id = await service.accepted(
            "/orders", {**ORDER, "notificationChannel": channel, "recipients": [recipient]}
        )
        shown = await service.document(f"/orders/{order_id}")
        assert (shown["notificationChannel"], shown["recipients"]) == (channel, [recipient])


async def test_orders_placed_at_the_same_moment_are_each_stored_once(service: Service) -> None:
    """They share commits (design.md 2.5); every caller gets the id of its own."""
    answers = await asyncio.gather(
        *(service.post("/orders/email", {**EMAIL_ORDER, "sendersReference": f"r{number}"}) for number in range(64))
    )
    for number, answer in enumerate(answers):
        order = await service.document(f"/orders/{answer.json()['orderId']}")
        assert order["sendersReference"] == f"r{number}"
    assert await service.rig.pool.fetchval("SELECT count(*) FROM orders") == 64


class SilentDirectory(FixedDirectory):
    """A directory that cannot answer about persons."""

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Mapping[str, PersonContact]:
        """Fail as a directory does that is away."""
        del use_stale
        raise DependencyFailure("directory", f"a look-up of {len(numbers)} persons", "it is away")


async def test_a_look_up_that_fails_is_500_without_a_body_and_stores_nothing(
    pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_service(pool, tmp_path, directory=SilentDirectory(None)) as service:
        answer = await service.post("/orders/email", {**EMAIL_ORDER, "recipients": persons(REACHABLE)})
        assert (answer.status_code, answer.content) == (500, b"")
        assert await service.stored() == 0
        await service.accepted("/orders/email", EMAIL_ORDER)  # who needs no look-up is not held up
        assert answer.headers["retry-after"]
    assert "POST /notifications/api/v1/orders/email: directory could not answer" in caplog.text
    assert REACHABLE not in caplog.text


async def test_an_order_is_answered_only_when_the_database_has_it(service: Service) -> None:
    """Durable before answered: as long as the database cannot take the order, nobody is told that it is accepted."""
    pool = service.rig.pool
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND NOT granted"
    async with pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            placing = asyncio.create_task(service.post("/orders/email", EMAIL_ORDER))
            await until(lambda: pool.fetchval(waiting))
            assert not placing.done()
        assert (await placing).status_code == 202
