"""How long a caller may let the server wait. The clock is turned by hand, and nothing travels."""

import asyncio
from typing import Any

import pytest

from tests.support.http_memory import Clock, MemoryTransport, Recorder, connect, server_of, settled
from tests.support.raw_http import request
from tests.support.serving import serving
from varsel.http import HttpServer, Limits
from varsel.http.connection import Connection
from varsel.http.limits import ANNOUNCED_LATER, CLOSING, GRACE, READING

GET = request("GET", "/")
RATE = 1_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> HttpServer:
    return server_of(Recorder(), Limits(least_rate=RATE), clock)


@pytest.fixture
async def line(server: HttpServer) -> tuple[Connection, MemoryTransport]:
    return connect(server)


Line = tuple[Connection, MemoryTransport]


def pass_time(server: HttpServer, clock: Clock, seconds: float) -> None:
    clock.seconds += seconds
    server.look()


async def test_an_unfinished_head_is_answered_408(server: HttpServer, clock: Clock, line: Line) -> None:
    connection, transport = line
    pass_time(server, clock, 60.0)  # waiting for a request is no fault
    for byte in GET[:25]:  # each further byte does not begin the time anew
        connection.data_received(bytes([byte]))
        pass_time(server, clock, 1.0)
    assert transport.written == b""
    pass_time(server, clock, 6.0)
    assert transport.written.startswith(b"HTTP/1.1 408 ")
    assert transport.ended


async def test_a_body_that_drips_is_answered_408(server: HttpServer, clock: Clock, line: Line) -> None:
    connection, transport = line
    connection.data_received(request("POST", "/", {"Content-Length": "1000000"}))
    await settled()
    for _ in range(int(GRACE)):
        pass_time(server, clock, 1.0)
        connection.data_received(b"x" * 10)
        await settled()
    assert transport.written == b""
    pass_time(server, clock, 1.0)
    assert transport.written.startswith(b"HTTP/1.1 408 ")


async def test_a_departure_is_told_once(clock: Clock) -> None:
    """Told twice, it would stop its task twice, and what stopped it could not be told any more."""
    told = 0

    class Counting:
        def happened(self) -> None:
            nonlocal told
            told += 1

    server = HttpServer(Recorder(), Limits(), leaving_name="test", leaving=Counting, now=clock.now)
    connection, transport = connect(server)
    connection.data_received(request("POST", "/", {"Content-Length": "1000000"}))
    await settled()
    pass_time(server, clock, 60.0)
    assert transport.written.startswith(b"HTTP/1.1 408 ")
    connection.connection_lost(None)
    assert told == 1


async def test_a_body_that_comes_at_the_least_rate_is_taken(server: HttpServer, clock: Clock, line: Line) -> None:
    connection, transport = line
    connection.data_received(request("POST", "/", {"Content-Length": str(60 * RATE)}))
    await settled()
    for _ in range(60):
        pass_time(server, clock, 0.9)
        connection.data_received(b"x" * RATE)
        await settled()
    assert transport.written.startswith(b"HTTP/1.1 200 ")


async def test_time_in_which_the_application_does_not_read_is_not_the_caller_s(clock: Clock) -> None:
    may_read = asyncio.Event()

    async def busy(_scope: Any, receive: Any, _send: Any) -> None:
        await may_read.wait()
        while (await receive())["type"] == "http.request":
            pass

    server = server_of(busy, Limits(least_rate=RATE), clock)
    connection, transport = connect(server)
    connection.data_received(request("POST", "/", {"Content-Length": "1000000"}) + b"x")
    await settled()
    pass_time(server, clock, 55.0)
    assert transport.written == b""
    may_read.set()
    await settled()
    pass_time(server, clock, GRACE + 1)
    await settled()
    assert transport.written.startswith(b"HTTP/1.1 408 ")


async def test_an_answer_that_is_not_read_ends_the_connection(server: HttpServer, clock: Clock, line: Line) -> None:
    connection, transport = line
    connection.data_received(GET)
    await settled()
    connection.write(b"x" * 1_000_000)
    for unread in (900_000, 800_000, 700_000, 600_000):  # slow, but above the least rate
        transport.unread = unread
        pass_time(server, clock, READING)
        assert not transport.aborted
    for _ in range(5):
        pass_time(server, clock, 100.0)
    assert transport.aborted


async def test_an_idle_connection_outlives_what_its_answers_announce(
    server: HttpServer, clock: Clock, line: Line
) -> None:
    connection, transport = line
    connection.data_received(GET)
    await settled()
    assert b"\r\nconnection: keep-alive\r\nkeep-alive: timeout=75\r\n" in transport.written
    pass_time(server, clock, 75.0 + ANNOUNCED_LATER)
    assert not connection._closing_since
    connection.data_received(GET)
    await settled()
    assert transport.written.count(b"HTTP/1.1 200 ") == 2


async def test_a_request_that_has_just_arrived_is_answered_although_its_connection_was_idle_for_too_long() -> None:
    clock, app = Clock(), Recorder()
    async with serving(app, clock=clock) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(GET)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            writer.write(GET)  # is with the kernel at once, and not yet with the server
            clock.seconds += 1_000
            server.look()
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            clock.seconds += 1_000
            server.look()
            assert await reader.read() == b""
        finally:
            writer.close()


async def test_a_closed_connection_is_ended_where_the_caller_does_not(clock: Clock) -> None:
    async with serving(Recorder(), clock=clock) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request("GET", "/", {"Connection": "close"}))
            answer = await reader.read()  # to the end: the server has said that nothing follows
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"connection: close" in answer
            assert server._connections
            clock.seconds += CLOSING + 1
            server.look()
            await settled()
            assert not server._connections
        finally:
            writer.close()
