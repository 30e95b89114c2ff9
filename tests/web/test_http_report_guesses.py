"""Wrong guesses at the credentials of the report receiver are slowed; the true gateway is never kept out."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.link_reports import DeliveryReport, report_body
from tests.support.rig import NOON
from tests.support.until import until
from varsel.channels.sms_link import BasicCredentials
from varsel.intake.counters import Counters
from varsel.intake.credentials import ANONYMOUS
from varsel.intake.sms_reports import SmsReports
from varsel.model.clock import HandTurnedClock
from varsel.storage.pool import Pool

RIGHT, WRONG = ("link", "ord"), ("link", "annet")


class Receiver:
    """The receiver of reports, whose held answers wait until a test lets them go."""

    def __init__(self, pool: Pool) -> None:
        self.holds: list[float] = []
        self.released = asyncio.Event()
        self.clock = HandTurnedClock(NOON)
        self.reports = SmsReports(
            pool, self.clock, BasicCredentials([RIGHT]), lambda: None, Counters(), strict_states=False, hold=self._hold
        )
        self._app = Starlette(routes=[Route("/", self._take, methods=["POST"])])

    async def _hold(self, seconds: float) -> None:
        self.holds.append(seconds)
        if seconds:
            await self.released.wait()

    async def _take(self, request: Request) -> Response:
        return await self.reports.take(request, ANONYMOUS)

    async def post(self, account: tuple[str, str], source: str = "192.0.2.1") -> httpx.Response:
        """Post a report from this address."""
        transport = httpx.ASGITransport(self._app, client=(source, 5_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            return await client.post("/", content=report_body(DeliveryReport("1")), auth=account)


@pytest.fixture
async def receiver(pool: Pool) -> AsyncIterator[Receiver]:
    receiver = Receiver(pool)
    yield receiver
    receiver.released.set()


async def test_after_a_few_wrong_guesses_each_is_answered_later_up_to_a_limit(receiver: Receiver) -> None:
    receiver.released.set()
    for _ in range(20):
        assert (await receiver.post(WRONG)).status_code == 401
    assert receiver.holds == [0] * 5 + [*range(1, 11)] + [10] * 5


async def test_the_right_credentials_are_taken_at_once_whoever_guesses_from_the_same_address(
    receiver: Receiver,
) -> None:
    guesses = [asyncio.create_task(receiver.post(WRONG)) for _ in range(150)]
    await until(lambda: _are(len(receiver.holds) == 105))  # five at once, a hundred held back

    assert (await receiver.post(RIGHT)).status_code == 200

    receiver.released.set()
    statuses = [(await guess).status_code for guess in guesses]
    assert (statuses.count(401), statuses.count(429)) == (105, 45)


async def test_a_guess_too_many_costs_its_caller_the_connection(receiver: Receiver) -> None:
    held = [asyncio.create_task(receiver.post(WRONG)) for _ in range(105)]
    await until(lambda: _are(len(receiver.holds) == 105))

    answer = await receiver.post(WRONG)

    assert (answer.status_code, answer.content) == (429, b"")
    assert (answer.headers["retry-after"], answer.headers["connection"]) == ("10", "close")
    receiver.released.set()
    await asyncio.gather(*held)


async def test_sources_are_slowed_apart_and_of_ipv6_by_network(receiver: Receiver) -> None:
    receiver.released.set()
    for _ in range(6):
        await receiver.post(WRONG, "192.0.2.1")
    await receiver.post(WRONG, "192.0.2.2")
    assert receiver.holds == [0] * 5 + [1] + [0]

    for number in range(6):
        await receiver.post(WRONG, f"2001:db8::{number}")
    await receiver.post(WRONG, "2001:db8:0:1::1")
    await receiver.post(WRONG, "::ffff:192.0.2.1")
    assert receiver.holds[7:] == [0] * 5 + [1, 0, 2]

    assert (await receiver.post(WRONG, "")).status_code == 401


async def test_many_sources_together_are_slowed_too(receiver: Receiver) -> None:
    receiver.released.set()
    for number in range(60):
        await receiver.post(WRONG, f"198.51.100.{number}")
    assert receiver.holds[:50] == [0] * 50
    assert [round(hold, 1) for hold in receiver.holds[50:]] == [round(n / 10, 1) for n in range(1, 11)]


async def _are(true: bool) -> bool:
    return true
