"""Stopping loses no request: callers are told to close, and have time to notice."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Any

from tests.support.http_memory import Recorder
from tests.support.raw_http import connected, exchange, request
from tests.support.serving import serving
from tests.support.until import until

GET = request("GET", "/")
FOR_LONG = 600.0


async def test_requests_on_idle_connections_are_answered_and_told_to_close() -> None:
    async with serving(Recorder()) as (server, port), AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(connected(port)) for _ in range(50)]
        for each in idle:
            each.send(GET)
            assert (await each.answer()).headers["connection"] == "keep-alive"

        stopping = asyncio.create_task(server.stop(linger=FOR_LONG, within=FOR_LONG))
        await until(lambda: asyncio.sleep(0, server.stopping))
        assert (await exchange(port, GET)).headers["connection"] == "close"  # also new callers are still answered
        for each in idle:
            each.send(GET)
            answer = await each.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert await each.ended()
            await each.close()
        await stopping  # ends early: nobody is left


async def test_after_the_time_to_notice_idle_connections_are_closed() -> None:
    async with serving(Recorder()) as (server, port), connected(port) as idle:
        idle.send(GET)
        await idle.answer()
        stopping = asyncio.create_task(server.stop(linger=0.05, within=FOR_LONG))
        assert await idle.ended()
        await idle.close()
        await stopping


async def test_a_request_that_arrives_with_the_last_moment_is_answered() -> None:
    async with serving(Recorder()) as (server, port), connected(port) as idle, connected(port) as new:
        idle.send(GET)
        await idle.answer()
        idle.send(GET)
        new.send(GET)
        await asyncio.gather(idle.sent(), new.sent())  # with the kernel, not yet with the server
        stopping = asyncio.create_task(server.stop(linger=0, within=FOR_LONG))
        for each in (idle, new):
            assert (await each.answer()).status == 200
            assert await each.ended()
            await each.close()
        await stopping


async def test_a_request_under_way_is_finished_and_one_that_takes_too_long_is_broken_off() -> None:
    may_answer, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(scope: Any, _receive: Any, send: Any) -> None:
        begun.release()
        await (may_answer.wait() if scope["path"] == "/slow" else asyncio.Event().wait())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async with serving(slow) as (server, port), connected(port) as first, connected(port) as second:
        first.send(request("GET", "/slow"))
        second.send(request("GET", "/endless"))
        for _ in range(2):
            await begun.acquire()
        stopping = asyncio.create_task(server.stop(linger=0, within=0.2))
        may_answer.set()
        assert (await first.answer()).headers["connection"] == "close"
        await stopping
        with suppress(ConnectionError):
            assert await second.ended()
