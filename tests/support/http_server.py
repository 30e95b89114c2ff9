"""A real HTTP/1.1 server on loopback whose every answer, delay and rudeness is the test's to choose."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it arrived; header names are lower case."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpReply:
    """Bytes of one answer; `close` ends the connection afterwards."""

    status: str
    body: bytes
    content_type: str = "text/xml"
    headers: str = ""
    close: bool = False

    def to_bytes(self) -> bytes:
        """Write status line, headers and body."""
        length = f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n"
        return f"HTTP/1.1 {self.status}\r\n{length}{self.headers}\r\n".encode() + self.body


class LoopbackServer:
    """Serves while its context lasts; a subclass says what is answered."""

    def __init__(self, port: int = 0) -> None:
        self.connections = 0
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def answer(self, request: HttpRequest) -> HttpReply | None:
        """Return what to answer; None ends the connection without a word."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Address to send requests to."""
        return f"http://127.0.0.1:{self._port}/"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                async for request in _requests(reader):
                    reply = await self.answer(request)
                    if reply is None:
                        break
                    writer.write(reply.to_bytes())
                    await writer.drain()
                    if reply.close:
                        break
        finally:
            self._tasks.discard(task)
            writer.close()


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[HttpRequest]:
    """Read one request after the other from a connection."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        pairs = (line.partition(":") for line in head.split("\r\n")[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        yield HttpRequest(headers, await reader.readexactly(int(headers.get("content-length", "0"))))
