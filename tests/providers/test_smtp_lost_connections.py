"""Connections that end too early, too late or in nonsense: what is known of each message then."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.support.smtp_sending import message, messages, outcome, outcomes, smtp_provider, until
from tests.support.smtp_server import DROP, Script, obliging, puppet, stepwise
from varsel.channels.protocol import Accepted, Outcome, Transient, Unknown

SHORT = timedelta(milliseconds=50)


@pytest.mark.parametrize(("stage", "expected"), [("MAIL", Transient), ("RCPT", Transient), ("DATA", Transient)])
async def test_a_connection_lost_before_the_content_is_transient(stage: str, expected: type[Outcome]) -> None:
    def script(line: str) -> str:
        return DROP if line.startswith(stage) else obliging(line)

    async with puppet(script) as server, smtp_provider(server.port) as provider:
        assert isinstance(await outcome(provider, message()), expected)
    assert server.connections == 1


async def test_only_the_message_whose_dot_was_sent_is_unknown() -> None:
    """The second message's envelope travels with the first one's content; it was certainly not taken."""
    dots = 0

    def script(line: str) -> str:
        nonlocal dots
        if line == ".":
            dots += 1
            return DROP if dots == 1 else obliging(line)
        return obliging(line)

    async with puppet(script) as server, smtp_provider(server.port, max_connections=1) as provider:
        first, second = await outcomes(provider, messages(2))
    assert first == Unknown(
        "the server closed the connection after the message was sent and before it was answered for"
    )
    assert isinstance(second, Accepted)
    assert [b"user0@" in content for content in server.contents] == [True, False]


async def test_a_message_that_no_connection_takes_comes_back() -> None:
    """Returned untaken once, it is tried again; twice, it is for the caller to wait."""
    taken = 0

    def script(line: str) -> str:
        nonlocal taken
        if line == ".":
            taken += 1
        return DROP if "user1@" in line else obliging(line)

    async with puppet(script) as server, smtp_provider(server.port, max_connections=1) as provider:
        first, second, third = await outcomes(provider, messages(3))
    assert isinstance(first, Accepted)
    assert isinstance(second, Transient)
    assert isinstance(third, Accepted)
    assert sum("user1@" in line for line in server.lines) == 2
    assert taken == 2


async def test_a_connection_closed_while_idle_is_not_used_again() -> None:
    async with puppet() as server, smtp_provider(server.port) as provider:
        assert isinstance(await outcome(provider, message()), Accepted)
        server.hang_up()
        await until(lambda: server.open == 0)
        assert isinstance(await outcome(provider, message(number=1)), Accepted)
    assert server.connections == 2


async def test_an_idle_connection_takes_its_leave() -> None:
    async with puppet() as server, smtp_provider(server.port, idle_timeout=SHORT) as provider:
        await outcome(provider, message())
        await until(lambda: server.open == 0)
        assert server.lines[-1] == "QUIT"


async def test_a_server_closing_the_service_hands_the_message_to_another_connection() -> None:
    """421 after some messages is how servers end a connection they find long enough."""
    mails = 0

    def script(line: str) -> str:
        nonlocal mails
        if line.startswith("MAIL"):
            mails += 1
            return "421 4.4.2 Enough on this connection" if mails == 2 else obliging(line)
        return obliging(line)

    async with puppet(script) as server, smtp_provider(server.port, max_connections=1) as provider:
        assert isinstance(await outcome(provider, message()), Accepted)
        assert isinstance(await outcome(provider, message(number=1)), Accepted)
    assert server.connections == 2


async def test_421_to_the_first_message_pauses_the_channel() -> None:
    def script(line: str) -> str:
        return "421 4.3.2 Shutting down" if line.startswith("MAIL") else obliging(line)

    async with puppet(script) as server, smtp_provider(server.port) as provider:
        result = await outcome(provider, message())
    assert result == Transient("421 at MAIL: 4.3.2 Shutting down", pause=True)


async def test_421_after_the_content_is_an_answer() -> None:
    def script(line: str) -> str:
        return "421 4.3.0 Not now" if line == "." else obliging(line)

    async with puppet(script) as server, smtp_provider(server.port) as provider:
        assert await outcome(provider, message()) == Transient("421 at end of content: 4.3.0 Not now", slower=True)


@pytest.mark.parametrize(
    ("silent_at", "limit", "expected"),
    [("MAIL", "command_timeout", Transient), ("DATA", "command_timeout", Transient), (".", "data_timeout", Unknown)],
)
async def test_a_silent_server_is_not_waited_for(silent_at: str, limit: str, expected: type[Outcome]) -> None:
    limits: dict[str, Any] = {limit: SHORT}

    def script(line: str) -> str:
        return "" if line.partition(" ")[0] == silent_at else obliging(line)

    async with (
        puppet(script) as server,
        smtp_provider(server.port, **limits) as provider,
    ):
        result = await outcome(provider, message())
    assert isinstance(result, expected)
    assert "did not answer in time" in str(getattr(result, "detail", ""))


@pytest.mark.parametrize(
    "nonsense", ["HTTP/1.1 400 Bad Request", "250-" + "x" * 10_000, "25", "250-a\r\n" * 300 + "250 b"]
)
async def test_what_is_not_smtp_ends_the_connection(nonsense: str) -> None:
    def script(line: str) -> str:
        return nonsense if line.startswith("MAIL") else obliging(line)

    async with puppet(script) as server, smtp_provider(server.port) as provider:
        result = await outcome(provider, message())
    assert isinstance(result, Transient)
    assert "SMTP" in result.detail


@pytest.mark.parametrize("script_of", [obliging, stepwise])
@pytest.mark.parametrize("answer", [DROP, "HTTP/1.1 502 Bad Gateway", "150 busy", "300 what", "000 nothing"])
async def test_a_message_whose_answer_was_lost_is_unknown_and_sent_once(answer: str, script_of: Script) -> None:
    """Also when other messages were answered for on the connection, which is when it is worth using another one."""
    dots = 0

    def script(line: str) -> str:
        nonlocal dots
        dots += line == "."
        return answer if line == "." and dots == 2 else script_of(line)

    async with puppet(script) as server, smtp_provider(server.port, max_connections=1) as provider:
        assert isinstance(await outcome(provider, message()), Accepted)
        lost = await outcome(provider, message("ola@example.no", number=1))
        assert isinstance(await outcome(provider, message(number=2)), Accepted)
    assert isinstance(lost, Unknown)
    assert len(lost.detail) < 200
    assert sum(b"ola@example.no" in content for content in server.contents) == 1


async def test_a_send_that_is_stopped_settles_what_was_not_begun() -> None:
    def script(line: str) -> str:
        return "" if line.startswith("MAIL") else stepwise(line)

    settled: dict[int, Outcome] = {}
    async with puppet(script) as server, smtp_provider(server.port, max_connections=1) as provider:
        sending = asyncio.create_task(provider.send(messages(3), settled.__setitem__))
        await until(lambda: server.heard("MAIL") == 1)
        sending.cancel()
        await asyncio.wait([sending])
        assert sending.cancelled()
        assert {position: type(one) for position, one in settled.items()} == {1: Transient, 2: Transient}
        server.hang_up()
        await until(lambda: server.open == 0)
    assert set(settled) == {1, 2}
