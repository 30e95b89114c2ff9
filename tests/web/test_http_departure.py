"""Callers who go away (api.md 1.8, 499; checklist 6.1, column 499)."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Scope

from tests.support.issuer import COMPOSED as COMPOSED_SCOPE
from tests.support.issuer import CREATE
from tests.support.placing import BODIES, CHAIN, CHAIN_PATH, person, place
from tests.support.raw_http import connected, request
from tests.support.service import BASE, EMAIL_ORDER, Service, running_service
from tests.support.slow_directory import SlowDirectory
from tests.support.until import until
from varsel.contacts.fixed import FixedDirectory
from varsel.intake.departure import EXTENSION, Departure, unless_gone
from varsel.model.ids import new_id
from varsel.storage.pool import Pool

CHAIN_TO_A_PERSON = CHAIN | {"recipient": person("16069412345")}


async def answered(service: Service, method: str, path: str, *messages: Message) -> list[Message]:
    """Put a request to the application itself, its body in `messages`, and return what it sent."""
    bearer = service.bearer(scopes=[CREATE, COMPOSED_SCOPE])["Authorization"]
    headers = [(b"authorization", bearer.encode()), (b"content-type", b"application/json")]
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": BASE + path,
        "raw_path": (BASE + path).encode(),
        "query_string": b"",
        "headers": headers if method == "POST" else headers[:1],
    }
    coming: Iterator[Message] = iter([*messages, {"type": "http.disconnect"}])
    sent: list[Message] = []

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        sent.append(message)

    await service.app(scope, receive, send)
    return sent


@pytest.mark.parametrize("path", BODIES)
async def test_who_goes_away_before_the_body_is_whole_is_answered_499(service: Service, path: str) -> None:
    begun: Message = {"type": "http.request", "body": json.dumps(BODIES[path]).encode()[:20], "more_body": True}
    for messages in ([], [begun]):
        start, body = await answered(service, "POST", path, *messages)
        assert start["status"] == 499
        problem = json.loads(body["body"])
        assert problem.pop("traceId")
        assert problem == {
            "type": "urn:altinn:error:NOT-00002",
            "title": "The client disconnected or cancelled the request before the server could complete processing",
            "status": 499,
            "code": "NOT-00002",
        }
    assert await service.stored() == 0


async def test_nothing_is_said_where_the_contract_has_no_499(service: Service) -> None:
    assert await answered(service, "POST", "/orders/email") == []


async def test_a_read_is_answered_whoever_is_left_to_hear_it_499(service: Service) -> None:
    for path, status in (("/future/shipment/feed", 200), (f"/future/shipment/{new_id()}", 404)):
        start, _ = await answered(service, "GET", path)
        assert start["status"] == status


@pytest.fixture
def directory() -> SlowDirectory:
    return SlowDirectory(FixedDirectory(None))


@pytest.fixture
async def waiting(pool: Pool, tmp_path: Path, directory: SlowDirectory) -> AsyncIterator[Service]:
    directory.hold()
    async with running_service(pool, tmp_path, directory=directory) as service:
        yield service


async def leave_while_looked_up(service: Service, directory: SlowDirectory, path: str, body: Any) -> None:
    """Post an order and close the connection while its recipient is being looked up."""
    written = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | service.bearer()
    async with connected(service.port) as connection:
        connection.send(request("POST", BASE + path, headers, written))
        await directory.wait_for_questions(1)


async def test_a_chain_whose_caller_leaves_during_the_look_up_is_not_stored_499(
    waiting: Service, directory: SlowDirectory
) -> None:
    await leave_while_looked_up(waiting, directory, CHAIN_PATH, CHAIN_TO_A_PERSON)

    await until(lambda: asyncio.sleep(0, directory.in_flight == 0))  # nobody waits for the answer any more
    directory.release()

    assert await waiting.stored() == 0
    assert (await place(waiting, CHAIN_PATH, CHAIN_TO_A_PERSON)).status_code == 422


async def test_an_older_order_is_stored_all_the_same(waiting: Service, directory: SlowDirectory) -> None:
    body = {**EMAIL_ORDER, "recipients": [{"nationalIdentityNumber": "16069412345"}]}
    await leave_while_looked_up(waiting, directory, "/orders/email", body)
    assert directory.in_flight == 1
    directory.release()
    await until(waiting.stored)


@pytest.mark.parametrize("order", ["the news first", "the end first", "the news before it began"])
async def test_news_stop_the_work_and_nothing_after_it(order: str) -> None:
    departure, ending = Departure(), asyncio.Event()
    request = Request({"type": "http", "extensions": {EXTENSION: departure}})

    async def look_up_and_store() -> str:
        with unless_gone(request):
            await ending.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        return "found and stored"

    task = asyncio.create_task(look_up_and_store())
    if order == "the news before it began":
        departure.happened()
    await asyncio.sleep(0)
    for happens in (departure.happened, ending.set) if order == "the news first" else (ending.set, departure.happened):
        happens()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(outcome, ClientDisconnect)


async def test_news_after_the_work_stop_nothing() -> None:
    departure = Departure()
    with unless_gone(Request({"type": "http", "extensions": {EXTENSION: departure}})):
        await asyncio.sleep(0)
    departure.happened()
    await asyncio.sleep(0)


async def test_work_that_somebody_else_stops_is_not_taken_for_a_departure() -> None:
    departure = Departure()

    async def look_up() -> None:
        with unless_gone(Request({"type": "http", "extensions": {EXTENSION: departure}})):
            await asyncio.sleep(60)

    task = asyncio.create_task(look_up())
    await asyncio.sleep(0)
    task.cancel()
    departure.happened()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError)
