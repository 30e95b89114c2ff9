"""Every client gets through when the first address of a server swallows packets; no time-out is waited for.

All limits are a minute: a client that spent one of them on the first address would have none left for the second.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.support.condition_endpoint import ConditionEndpoint
from tests.support.resolvers import FixedResolver
from tests.support.rig import NOON
from tests.support.swallowing import ANSWERS, HOST, SWALLOWS, first_address_swallows
from varsel.channels.sms_link import LinkSettings
from varsel.channels.sms_link.gateway_http import GatewayHttp
from varsel.contacts.altinn.headers import FixedHeaders
from varsel.contacts.altinn.http import CallOptions, JsonClient
from varsel.contacts.limits import Gate
from varsel.intake.credentials import DocumentFetcher
from varsel.model.clock import HandTurnedClock, SystemClock
from varsel.outgoing.destination import read_destination
from varsel.outgoing.fetch import Fetcher, SizeLimit
from varsel.outgoing.guard import Allowed, Guard
from varsel.outgoing.token_endpoint import TokenHttp
from varsel.outgoing.tokens import Missed

MINUTE = timedelta(minutes=1)


async def by_gateway(url: str) -> None:
    settings = LinkSettings(username="a", password="b", url=url, timeout=MINUTE, connect_timeout=MINUTE)
    gateway = GatewayHttp(settings, SystemClock())
    await gateway.reach()
    await gateway.close()


async def by_token_endpoint(url: str) -> None:
    client = TokenHttp(MINUTE)
    assert not isinstance(await client.get(url, {}), Missed)
    await client.aclose()


async def by_directory(url: str) -> None:
    gate = Gate("a directory", HandTurnedClock(NOON))
    client = JsonClient(url, gate, FixedHeaders(dict), CallOptions(connect_timeout=MINUTE, timeout=MINUTE))
    await client.reach("a question", "", {})
    await client.close()


async def by_key_fetcher(url: str) -> None:
    fetcher = DocumentFetcher(allow_http=True, timeout=60.0)
    await fetcher.get(url)
    await fetcher.aclose()


@pytest.mark.parametrize("client", [by_gateway, by_token_endpoint, by_directory, by_key_fetcher])
async def test_the_second_address_is_tried_beside_the_first(
    client: Callable[[str], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ConditionEndpoint() as endpoint:
        with first_address_swallows(endpoint.port, monkeypatch):
            await client(f"http://{HOST}:{endpoint.port}/")
    assert len(endpoint.received) == 1


async def test_a_caller_s_address_that_swallows_packets_is_tried_last_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Asked one after the other, for each would be sent the request; so the time for each is part of the whole."""
    guard = Guard(FixedResolver([SWALLOWS, ANSWERS]), Allowed.read(["127.0.0.0/8"]))
    fetcher = Fetcher(guard, connect_timeout=MINUTE, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    limit = SizeLimit(65_536)
    async with ConditionEndpoint() as endpoint:
        with first_address_swallows(endpoint.port, monkeypatch):
            destination = read_destination(f"http://{HOST}:{endpoint.port}/")
            first = await fetcher.get(destination, within=timedelta(seconds=3), limit=limit)
            async with asyncio.timeout(15):  # a third of the minute would be spent on the first address
                again = await fetcher.get(destination, within=MINUTE, limit=limit)
    assert (first.status, again.status) == (200, 200)
    assert len(endpoint.received) == 2
