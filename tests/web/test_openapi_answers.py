"""The running service accepts every example, and answers every operation as it is described.

Each answer that any test of the interface gets is held to the description too: see `HeldToDescription`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.described import description, published
from tests.support.issuer import COMPOSED as COMPOSED_SCOPE
from tests.support.issuer import CREATE
from tests.support.service import BASE_URI, Service, running_service, write_directory
from varsel.storage.pool import Pool

PATHS: Mapping[str, Mapping[str, Any]] = published()["paths"]
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, operations in PATHS.items()
    for method, operation in operations.items()
}
PLACING = [name for name, (_, _, operation) in OPERATIONS.items() if "requestBody" in operation]
NOBODY = "06069412347"
DIRECTORY: dict[str, Any] = {
    "persons": [{"nationalIdentityNumber": "16069412345", "email": "kari@example.com", "mobileNumber": "+4799999999"}],
    "organizations": [{"organizationNumber": "310123456", "emails": ["post@example.com"]}],
    "externalIdentities": [
        {"externalIdentity": "urn:altinn:person:idporten-email:kari%2Bwork@example.com", "email": "kari@example.com"}
    ],
}
# What only time-outs, failures and clients that go away bring about has tests of its own.
BROUGHT_ABOUT_ELSEWHERE = {"408", "499", "500", "503"}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path) -> None:
    write_directory(tmp_path, DIRECTORY)


def credentials(service: Service, org: str | None = "ttd") -> dict[str, str]:
    """Return a token that suffices for every operation."""
    return service.bearer(org, scopes=(CREATE, COMPOSED_SCOPE))


def examples(name: str) -> dict[str, dict[str, Any]]:
    """Return the bodies that an operation shows."""
    media = OPERATIONS[name][2]["requestBody"]["content"]["application/json"]
    return {example: shown["value"] for example, shown in media["examples"].items()}


async def send(service: Service, name: str, id_: object = None, **options: Any) -> httpx.Response:
    """Send a request of the operation, which its own parameters and headers may change."""
    method, path, _ = OPERATIONS[name]
    options = {"headers": credentials(service)} | options
    return await service.client.request(method, path.replace("{id}", str(id_ or uuid4())), **options)


async def place(service: Service, name: str, body: Any = None, **options: Any) -> httpx.Response:
    """Send an example, by default the first."""
    return await send(service, name, json=body or next(iter(examples(name).values())), **options)


@pytest.mark.parametrize("name", PLACING)
async def test_every_example_of_a_request_is_accepted(service: Service, name: str) -> None:
    for example, body in examples(name).items():
        answer = await place(service, name, body)
        assert answer.status_code in (201, 202), f"{example}: {answer.text}"


async def answers(service: Service, name: str) -> set[str]:
    """Ask the operation in every way that callers can, and return the statuses of the answers."""
    _, path, operation = OPERATIONS[name]
    if name in PLACING:
        asked = await placed_in_every_way(service, name)
    else:
        asked = await read_in_every_way(service, name)
    if operation["security"]:
        wrong = {"Content-Type": "application/json", "Authorization": "Bearer no-token"}
        asked.append(await send(service, name, headers=wrong))
    other = await service.client.patch(path.replace("{id}", str(uuid4())))
    assert other.headers["allow"]
    return {str(answer.status_code) for answer in (*asked, other)}


async def placed_in_every_way(service: Service, name: str) -> list[httpx.Response]:
    """Send a body as it must be, twice, and in the wrong ways."""
    typed = credentials(service) | {"Content-Type": "application/json"}
    asked = [
        await place(service, name),
        await place(service, name),
        await place(service, name, {"recipient": 1}),
        await place(service, name, headers=credentials(service, None)),
        await send(service, name, headers=credentials(service) | {"Content-Type": "text/plain"}, content=b"x"),
        await send(service, name, headers=typed, content=b" " * 5_000),
    ]
    if name == "placeChain":
        unknown = examples(name)["person"] | {"idempotencyId": "nobody"}
        unknown["recipient"]["recipientPerson"]["nationalIdentityNumber"] = NOBODY
        asked.append(await place(service, name, unknown))
    return asked


async def read_in_every_way(service: Service, name: str) -> list[httpx.Response]:
    """Ask for an order that is there, in vain, in another's name, and in the wrong ways."""
    later = await place(service, "placeOrder", examples("placeOrder")["preferred"])
    due = (await place(service, "placeOrder")).json()["orderId"]
    await service.rig.work()
    if name == "findOrders":
        return [
            await send(service, name, params={"sendersReference": "case-2026-0042"}),
            await send(service, name),
            await send(service, name, params={"sendersReference": "x"}, headers=credentials(service, None)),
        ]
    if name == "readFeed":
        return [
            await send(service, name, params={"seq": 0, "pageSize": 10, "orderBy": "desc"}),
            await send(service, name, params={"seq": -1}),
            await send(service, name, headers=credentials(service, None)),
        ]
    if name == "answerSendCondition":
        wrong = {"Content-Type": "text/plain"}
        return [await send(service, name, params={"conditionMet": "true"}), await send(service, name, headers=wrong)]
    return [
        await send(service, name, due),
        await send(service, name, later.json()["orderId"]),
        await send(service, name),
        await send(service, name, "no-guid"),
        await send(service, name, due, headers=credentials(service, None)),
    ]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_every_described_answer_is_given(pool: Pool, tmp_path: Path, name: str) -> None:
    """The client of a test's service checks the answers themselves."""
    async with running_service(pool, tmp_path, http_max_body=4_000) as service:
        described = OPERATIONS[name][2]["responses"].keys() - BROUGHT_ABOUT_ELSEWHERE
        assert await answers(service, name) == described


async def test_the_service_publishes_what_is_checked_here(pool: Pool, tmp_path: Path) -> None:
    async with running_service(pool, tmp_path, swagger=True, contact="help@example.com") as service:
        shown = (await service.client.get("/swagger/v1/swagger.json")).json()
    expected = published(BASE_URI)
    assert shown["info"].pop("contact")["email"] == "help@example.com"
    for part in ("servers", "tags", "paths", "components"):
        assert shown[part] == expected[part], part


def answered(method: str, path: str, status: int, body: Any = None, **headers: str) -> httpx.Response:
    """Make an answer that a service might give."""
    content = {} if body is None else {"json": body}
    return httpx.Response(status, headers=headers, request=httpx.Request(method, f"{BASE_URI}{path}"), **content)


def test_answers_that_are_not_described_are_found() -> None:
    """The check that all tests rely on can fail."""
    check: Callable[[httpx.Response], None] = description().check
    orders = "/notifications/api/v1/orders"
    check(answered("POST", orders, 202, {"orderId": str(uuid4())}, location="/x"))
    check(answered("GET", f"{orders}/x/status", 404))
    check(answered("GET", "/health", 418))
    for wrong in (
        answered("POST", orders, 202, {"orderId": str(uuid4())}),
        answered("POST", orders, 202, location="/x"),
        answered("POST", orders, 202, {"orderId": "x"}, location="/x"),
        answered("POST", f"{orders}/", 202, {}, location="/x"),
        answered("POST", orders, 418),
        answered("GET", f"{orders}/x/status", 404, {"title": "Not Found"}),
        answered("GET", f"{orders}/x/status", 200, {"id": str(uuid4())}),
        answered("PUT", f"{orders}/x/cancel", 404),
    ):
        with pytest.raises(AssertionError):
            check(wrong)
