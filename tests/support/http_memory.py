"""A connection of the HTTP server without a socket: bytes are put in one piece at a time, and everything is kept."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from varsel.http import HttpServer, Limits
from varsel.http.connection import Connection
from varsel.http.exchange import Application

_ROUNDS = 50


class MemoryTransport(asyncio.Transport):
    """Keeps what is written to it; always takes everything."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.ended = False
        self.aborted = False
        self.unread = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep bytes."""
        assert not self.ended
        self.written += bytes(data)

    def write_eof(self) -> None:
        """Note that nothing follows."""
        self.ended = True

    def get_write_buffer_size(self) -> int:
        """What a test says that the caller has not read yet."""
        return self.unread

    def is_closing(self) -> bool:
        """Only `close` and `abort` end it, which also write nothing more."""
        return False

    def pause_reading(self) -> None:
        """Whoever puts bytes in does not wait."""

    def resume_reading(self) -> None:
        """Whoever puts bytes in does not wait."""

    def close(self) -> None:
        """Note that nothing follows."""
        self.ended = True

    def abort(self) -> None:
        """Note that it was ended at once."""
        self.ended = self.aborted = True


class Nobody:
    """Wants to know nothing."""

    def happened(self) -> None:
        """Do nothing."""


Read = tuple[str, bytes, bytes]
"""A request: method, target, body."""


@dataclass(slots=True)
class Recorder:
    """An application that reads every body and keeps what it read."""

    requests: list[Read] = field(default_factory=list)
    headers: list[list[tuple[bytes, bytes]]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Read a request, then answer."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        self.requests.append((scope["method"], target, body))
        self.headers.append(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


@dataclass(slots=True)
class Clock:
    """Seconds that a test lets pass."""

    seconds: float = 1_000.0

    def now(self) -> float:
        """Return the present time."""
        return self.seconds


def server_of(app: Application, limits: Limits | None = None, clock: Clock | None = None) -> HttpServer:
    """Return a server that is not started; its answers have no date."""
    now = clock.now if clock is not None else None
    return HttpServer(app, limits or Limits(), leaving_name="test", leaving=Nobody, now=now)


def connect(server: HttpServer) -> tuple[Connection, MemoryTransport]:
    """Open a connection to a server."""
    connection, transport = Connection(server), MemoryTransport()
    connection.connection_made(transport)
    return connection, transport


async def settled() -> None:
    """Let the event loop do what is ready to be done."""
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


@dataclass(slots=True)
class Reading:
    """What became of a stream of bytes."""

    requests: list[Read]
    headers: list[list[tuple[bytes, bytes]]]
    written: bytes
    refused: bool


async def read_stream(pieces: Iterable[bytes]) -> Reading:
    """Let the server read the bytes of one connection, and return what it understood."""
    recorder = Recorder()
    connection, transport = connect(server_of(recorder))
    for piece in pieces:
        connection.data_received(piece)
        await asyncio.sleep(0)
    await settled()
    refused = any(line.split(b" ")[1] >= b"400" for line in _status_lines(transport.written))
    connection.connection_lost(None)
    return Reading(recorder.requests, recorder.headers, transport.written, refused)


def _status_lines(written: bytes) -> list[bytes]:
    return [line for line in written.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
