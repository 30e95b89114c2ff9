"""What one caller can make the server hold, and for how long, is bounded before the application is asked."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import pytest

from tests.support.http_memory import Clock, Recorder, settled
from tests.support.raw_http import connected, exchange, request
from tests.support.serving import serving
from tests.support.until import until
from varsel.http import Limits
from varsel.http.limits import CLOSING, DROPPED, HELD

GET = request("GET", "/")
READ_AT_ONCE = 262_144
"""What uvloop reads at once; asyncio's own loop reads as much."""

START = {"type": "http.response.start", "status": 200, "headers": []}
CHUNKED = request("POST", "/", {"Transfer-Encoding": "chunked"})


@pytest.fixture
def app() -> Recorder:
    return Recorder()


@pytest.fixture
async def port(app: Recorder) -> AsyncIterator[int]:
    async with serving(app) as (_, port):
        yield port


@contextmanager
def raw_socket(port: int) -> Iterator[socket.socket]:
    """A caller that does only what the test says, and never waits."""
    caller = socket.create_connection(("127.0.0.1", port))
    caller.setblocking(False)
    with caller:
        yield caller


async def refusing(_scope: Any, _receive: Any, send: Any) -> None:
    """Refuse every body unread."""
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body"})


async def push(caller: socket.socket, data: bytes, most: int) -> int:
    """Send `data` again and again without reading anything, until it is not taken any more; return how much was."""
    sent = 0
    for _ in range(200):
        try:
            while sent < most:
                sent += caller.send(data)
        except BlockingIOError:
            pass
        except ConnectionError:
            break
        await asyncio.sleep(0)
    return sent


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (request("GET", "/" + "x" * 8_191), 200),
        (request("GET", "/" + "x" * 8_192), 414),
        (request("GET", "/" + "x" * 300_000), 414),
        (request("GET", "/", {"X": "y" * 32_000}), 200),
        (request("GET", "/", {"X": "y" * 33_000}), 431),
        (request("GET", "/", {"X": "y" * 3_000_000}), 431),
        (request("GET", "/", {f"X-{number}": "y" for number in range(99)}), 200),
        (request("GET", "/", {f"X-{number}": "y" for number in range(100)}), 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1_000_000, 431),
        (b"GET /" + b"x" * 1_000_000, 414),
        (request("GET", "/").replace(b"1.1", b"2.0"), 505),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    ],
)
async def test_a_head_beyond_its_bounds_is_refused(port: int, app: Recorder, head: bytes, status: int) -> None:
    async with connected(port) as connection:
        connection.send(head)
        assert (await connection.answer()).status == status
        if status != 200:
            assert await connection.ended()
    assert len(app.requests) == (status == 200)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"0\r\n" + b"X: y\r\n" * 100_000, 431),
        (b"5;" + b"x" * 100_000, 400),
        (b"5;" + b"x" * 100_000 + b"\r\nhello\r\n0\r\n\r\n", 400),
        ((b"5;" + b"x" * 900 + b"\r\nhello\r\n") * 100, 400),
        (b"1\r\nx\r\n" * 100_000, 400),
        (b"5\r\nhello\r\n" * 1_000 + b"0\r\n\r\n", 200),
    ],
)
async def test_what_surrounds_chunks_is_bounded(port: int, body: bytes, status: int) -> None:
    async with connected(port) as connection:
        connection.send(CHUNKED, body)
        assert (await connection.answer()).status == status


async def test_requests_that_follow_are_not_read_before_the_first_is_answered() -> None:
    """A caller who sends requests and reads no answer costs one bounded buffer, not a queue of requests."""
    begun, answer = 0, asyncio.Event()

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        nonlocal begun
        begun += 1
        await answer.wait()
        await send(START)
        await send({"type": "http.response.body", "body": b"x" * 100_000})

    async with serving(slow) as (server, port):
        with raw_socket(port) as caller:
            sent = await push(caller, GET * 1_000, most=1_000_000_000)
            assert begun == 1
            assert sum(len(each._unread) for each in server._connections) < HELD + READ_AT_ONCE
            answer.set()
            await settled()
            assert begun * 100_000 < 50_000_000  # answers that nobody reads are not made either
            assert sent > len(GET)


async def test_requests_that_follow_are_answered_in_their_order(port: int, app: Recorder) -> None:
    async with connected(port) as connection:
        connection.send(*[request("GET", f"/{number}") for number in range(500)])
        for _ in range(500):
            assert (await connection.answer()).status == 200
    assert [target for _, target, _ in app.requests] == [b"/%d" % number for number in range(500)]


async def test_a_body_is_read_only_as_fast_as_the_application_takes_it() -> None:
    asked = asyncio.Event()

    async def patient(_scope: Any, _receive: Any, _send: Any) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with serving(patient) as (server, port):
        with raw_socket(port) as caller:
            caller.send(request("POST", "/", {"Content-Length": "1000000000"}))
            await push(caller, b"x" * 100_000, most=1_000_000_000)
            assert asked.is_set()
            (connection,) = server._connections
            assert connection._exchange is not None
            assert connection._exchange.held < HELD + READ_AT_ONCE
        for task in server._tasks:
            task.cancel()


async def test_an_endless_body_ends_soon_after_its_refusal() -> None:
    clock = Clock()
    async with serving(refusing, clock=clock) as (server, port):
        with raw_socket(port) as caller:
            caller.send(CHUNKED)
            await settled()
            sent = await push(caller, b"4000\r\n" + b"x" * 0x4000 + b"\r\n", most=2_000_000_000)
            assert sent < DROPPED + 20_000_000
            clock.seconds += CLOSING + 1
            server.look()
            await until(lambda: asyncio.sleep(0, not server._connections))


async def test_a_refusal_reaches_a_caller_who_is_still_sending() -> None:
    async with serving(refusing) as (_, port), connected(port) as connection:
        connection.send(request("POST", "/", {"Content-Length": "50000000"}), b"x" * 50_000_000)
        answer = await connection.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert await connection.ended()


async def test_beyond_the_most_connections_a_new_one_is_answered_503() -> None:
    async with (
        serving(Recorder(), Limits(connections=2), Clock()) as (_, port),
        connected(port) as first,
        connected(port) as second,
    ):
        for each in (first, second):
            each.send(GET)
            assert (await each.answer()).status == 200
        answer = await exchange(port, GET)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_every_one_of_many_new_connections_is_answered_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with serving(Recorder(), Limits(connections=1), Clock()) as (server, port), connected(port) as first:
        first.send(GET)
        assert (await first.answer()).status == 200
        async with AsyncExitStack() as stack:
            for _ in range(300):
                refused = await stack.enter_async_context(connected(port))
                assert (await refused.answer()).status == 503
            assert len(server._connections) < 150
        server.look()
    assert sum(map(int, re.findall("([0-9]+) with 503", caplog.text))) == 300


async def test_a_new_connection_takes_the_place_of_the_one_that_has_waited_longest() -> None:
    clock = Clock()
    async with serving(Recorder(), Limits(connections=2), clock) as (server, port), connected(port) as unfinished:
        unfinished.send(GET[:-2])
        await until(lambda: asyncio.sleep(0, any(each._head_since for each in server._connections)))
        clock.seconds += 1
        async with connected(port) as idle:
            idle.send(GET)
            assert (await idle.answer()).status == 200
            clock.seconds += 10
            assert (await exchange(port, GET)).status == 200
            assert (await unfinished.answer()).status == 408
            idle.send(GET)
            assert (await idle.answer()).status == 200


async def test_a_warning_is_logged_before_connections_run_out(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        serving(Recorder(), Limits(connections=2), Clock()) as (_, port),
        connected(port) as first,
        connected(port) as second,
    ):
        for each in (first, second):
            each.send(GET)
            await each.answer()
    assert len([record for record in caplog.records if "VARSEL_HTTP_MAX_CONNECTIONS" in record.message]) == 1


@pytest.mark.parametrize("status", [200, 204, 304])
async def test_http_1_0_is_answered_without_chunks(status: int) -> None:
    async def stream(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        for piece in (b'{"a": ', b"1}"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    async with serving(stream) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    assert body == (b'{"a": 1}' if status == 200 else b"")
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
