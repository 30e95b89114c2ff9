"""A small HTTP/1.1 server on loopback for scripted counterparts: every request is kept, then answered as told."""

import asyncio
import contextlib
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class LoopbackServer(ABC):
    """Answers one request per connection. `tls` makes it an https server."""

    def __init__(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.received: list[Received] = []
        self.in_flight = 0
        self.port = 0
        self._host = host
        self._tls = tls
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._converse, self._host, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """The address of `path` here, under any name."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return when `condition` holds after some change; fails after five seconds."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(condition)

    @abstractmethod
    async def answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer one request; the connection is closed afterwards."""

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                received = await _read(reader)
                self.received.append(received)
                await self._count(1)
                try:
                    await self.answer(received, writer)
                    await writer.drain()
                finally:
                    await self._count(-1)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _count(self, by: int) -> None:
        self.in_flight += by
        async with self._changed:
            self._changed.notify_all()


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Received(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def written(status: int, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """Return an answer as bytes; Content-Length is counted unless `headers` names one."""
    named = {"Content-Length": str(len(body)), "Connection": "close"} | (headers or {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode() + body
