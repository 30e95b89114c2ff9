"""A mail server with several addresses: one that does not work keeps no mail from leaving."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.smtp_sending import message, messages, outcome, outcomes, smtp_provider
from tests.support.smtp_server import DROP, obliging, puppet
from tests.support.swallowing import HOST, SWALLOWS, first_address_swallows, name_two_addresses
from varsel.channels.protocol import Accepted, Transient

LONG, SHORT = timedelta(minutes=1), timedelta(seconds=1)


async def test_mail_leaves_by_the_second_address_while_the_first_swallows_packets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with puppet() as server:
        with first_address_swallows(server.port, monkeypatch):
            async with smtp_provider(server.port, host=HOST, connect_timeout=LONG) as provider:
                assert all(isinstance(one, Accepted) for one in await outcomes(provider, messages(20)))


@pytest.mark.parametrize("first_says", [DROP, "554 5.3.2 no service here", "220-endless"])
async def test_an_address_that_connects_and_does_not_serve_is_left_for_the_next_and_tried_last(
    first_says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    greeted = 0

    def script(line: str) -> str:
        nonlocal greeted
        greeted += not line
        return obliging(line) if line else first_says

    async with puppet() as server, puppet(script, host=SWALLOWS, port=server.port):
        name_two_addresses(monkeypatch)
        once: dict[str, Any] = {"messages_per_connection": 1, "max_connections": 1}
        async with smtp_provider(server.port, host=HOST, command_timeout=SHORT, **once) as provider:
            for number in range(3):
                assert isinstance(await outcome(provider, message(number=number)), Accepted)
    assert greeted == 1


async def test_a_wrong_login_is_not_tried_at_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def script(line: str) -> str:
        if line.startswith("EHLO"):
            return "250-puppet\r\n250 AUTH PLAIN"
        return "535 5.7.8 no" if line.startswith("AUTH") else obliging(line)

    async with puppet(script) as server, puppet(script, host=SWALLOWS, port=server.port) as other:
        name_two_addresses(monkeypatch)
        async with smtp_provider(server.port, host=HOST, username="a", password="b") as provider:
            assert isinstance(await outcome(provider, message()), Transient)
    assert server.heard("AUTH") + other.heard("AUTH") == 1
