"""A small HTTP/1.1 server on loopback that keeps connections open and speaks JSON, for scripted look-up services."""

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived; header names in lower case."""

    path: str
    headers: dict[str, str]
    document: Any


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `body` is sent as JSON unless it is bytes already."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)

    def written(self) -> bytes:
        """Return the answer as bytes."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        named = {"Content-Type": "application/json", "Content-Length": str(len(body))} | self.headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        return f"HTTP/1.1 {self.status} Scripted\r\n{lines}\r\n".encode() + body


class JsonServer(ABC):
    """Answers requests as told; `calls` keeps what arrived. Those to `held_paths` wait for the first `release`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.connections = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = 0
        self.held_paths: set[str] = set()
        self._changed = asyncio.Condition()
        self._open = asyncio.Event()
        self._open.set()
        self._released = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1."""
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", port, limit=2**24)
        self.port = self._server.sockets[0].getsockname()[1]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def url(self, path: str = "/") -> str:
        """The address of `path` here."""
        return f"http://127.0.0.1:{self.port}{path}"

    def hold(self) -> None:
        """Keep requests waiting until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Answer what waits, and go on."""
        self._open.set()
        self._released.set()

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return when `condition` holds after some change; fails after five seconds."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(condition)

    @abstractmethod
    async def answer(self, call: Call) -> Reply | None:
        """Answer one request; None ends the connection without an answer."""

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while (reply := await self._counted(await _read(reader))) is not None:
                    writer.write(reply.written())
                    await writer.drain()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _counted(self, call: Call) -> Reply | None:
        self.calls.append(call)
        await self._count(1)
        try:
            await self._open.wait()
            if call.path in self.held_paths:
                await self._released.wait()
            return await self.answer(call)
        finally:
            await self._count(-1)

    async def _count(self, by: int) -> None:
        self.in_flight += by
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        async with self._changed:
            self._changed.notify_all()


async def _read(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    _method, target, _version = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(target, headers, json.loads(body) if body else None)
