"""A keep-alive HTTP/1.1 connection that costs as little as Python allows.

One request is in flight at a time. Requests are bytes made beforehand; answers are read only as far as HTTP framing
needs (RFC 9112 section 6.3).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, cast

from bench.errors import BenchError

ANSWER_SECONDS = 60.0
"""How long one answer may take before the benchmark gives up."""

HEAD_LIMIT = 64 * 1024
LENGTH = b"\r\ncontent-length:"
CHUNKED = b"\r\ntransfer-encoding: chunked"
LAST_CHUNK = b"\r\n0\r\n\r\n"

Done = Callable[[int, bytes], None]


class Answer(NamedTuple):
    """A response's status code and body."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """One keep-alive connection; `send` may be called again as soon as the answer was handed over."""

    __slots__ = ("_body_starts", "_buffer", "_done", "_ends", "_status", "_transport", "lost")

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._done: Done | None = None
        self._buffer = bytearray()
        self._status = 0
        self._body_starts = 0
        self._ends = 0
        self.lost: Callable[[Exception], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports share no base class with asyncio's

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits for an answer that none will come."""
        self._transport = None
        waiting, self._done = self._done, None
        if waiting is not None and self.lost is not None:
            self.lost(exc or ConnectionResetError("the server closed the connection instead of answering"))

    def send(self, request: bytes, done: Done) -> None:
        """Write `request`; `done(status, body)` is called with its answer."""
        if self._transport is None:
            raise ConnectionResetError("the connection is closed")
        self._done = done
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Gather one answer; nearly always it arrives in one piece and is not copied first."""
        whole: bytes | bytearray = data
        if self._buffer:
            self._buffer += data
            whole = self._buffer
        if not self._complete(whole):
            if whole is data:
                self._buffer += data
            return
        body = _join_chunks(whole[self._body_starts :]) if self._ends < 0 else whole[self._body_starts : self._ends]
        if self._buffer:
            self._buffer = bytearray()
        self._ends = 0
        done, self._done = self._done, None
        if done is not None:
            done(self._status, bytes(body))

    def _complete(self, data: bytes | bytearray) -> bool:
        if not self._ends and not self._read_head(data):
            return False
        return data.endswith(LAST_CHUNK) if self._ends < 0 else len(data) >= self._ends

    def _read_head(self, data: bytes | bytearray) -> bool:
        """Note status and framing: `_ends` becomes the answer's length, or -1 where it comes in chunks."""
        blank = data.find(b"\r\n\r\n")
        if blank < 0:
            if len(data) > HEAD_LIMIT:
                raise BenchError("an answer's head exceeds 64 KiB")
            return False
        self._status = int(data[9:12])
        self._body_starts = blank + 4
        at = data.find(LENGTH, 0, blank)
        # Names are usually sent in lower case; only where they are not is the head made so.
        head = data if at >= 0 else data[: blank + 2].lower()
        at = head.find(LENGTH) if at < 0 else at
        if at >= 0:
            self._ends = blank + 4 + int(head[at + len(LENGTH) : head.index(b"\r", at + 2)])
        else:
            self._ends = -1 if CHUNKED in head else blank + 4
        return True

    async def ask(self, request: bytes, seconds: float = ANSWER_SECONDS) -> Answer:
        """Send one request and wait for its answer, at most `seconds`."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(status: int, body: bytes) -> None:
            if not answered.done():
                answered.set_result(Answer(status, body))

        def lost(reason: Exception) -> None:
            if not answered.done():
                answered.set_exception(reason)

        self.lost = lost
        self.send(request, done)
        return await asyncio.wait_for(answered, seconds)

    def close(self) -> None:
        """Close at once; an answer still awaited is given up."""
        self._done = None
        if self._transport is not None:
            self._transport.abort()


def _join_chunks(data: bytes | bytearray) -> bytes:
    body, position = bytearray(), 0
    while True:
        line_end = data.index(b"\r\n", position)
        size = int(data[position:line_end].split(b";")[0], 16)
        if size == 0:
            return bytes(body)
        body += data[line_end + 2 : line_end + 2 + size]
        position = line_end + 4 + size


@asynccontextmanager
async def connected(host: str, port: int, count: int = 1) -> AsyncIterator[list[Connection]]:
    """Open `count` connections and close them at the end."""
    loop = asyncio.get_running_loop()
    opened: list[Connection] = []
    try:
        for _ in range(count):
            _, connection = await loop.create_connection(Connection, host, port)
            opened.append(connection)
        yield opened
    finally:
        for connection in opened:
            connection.close()
