"""HTTP spoken by hand, for what an ordinary client would put right before sending it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it travelled; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One connection, written to while it is read from: answers may come before all is sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._sending: asyncio.Task[None] | None = None

    def send(self, *pieces: bytes) -> None:
        """Send `pieces` one after the other, as fast as they are taken."""
        assert self._sending is None or self._sending.done()
        self._sending = asyncio.create_task(self._send(pieces))

    async def _send(self, pieces: tuple[bytes, ...]) -> None:
        with contextlib.suppress(ConnectionError):  # an answer may have ended the connection already
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()

    async def sent(self) -> None:
        """Wait until everything has been sent."""
        assert self._sending is not None
        await self._sending

    async def answer(self) -> RawAnswer:
        """Read one answer, whose body is counted or absent."""
        async with asyncio.timeout(_TIMEOUT):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").removesuffix("\r\n\r\n")
            first, *lines = head.split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
            return RawAnswer(int(first.split(" ")[1]), headers, body)

    async def ended(self) -> bool:
        """Wait for the other side to close."""
        async with asyncio.timeout(_TIMEOUT):
            return await self._reader.read() == b""

    async def close(self) -> None:
        """Give up whatever is still being sent."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    """Open a connection to a port of this machine."""
    connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield connection
    finally:
        await connection.close()


async def exchange(port: int, *pieces: bytes) -> RawAnswer:
    """Send `pieces` on a connection of their own and read one answer."""
    async with connected(port) as connection:
        connection.send(*pieces)
        return await connection.answer()


def request(
    method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"", *, counted: bool = True
) -> bytes:
    """Write a request; with `counted` its Content-Length is told when there is a body."""
    named = {"Host": "127.0.0.1"} | (headers or {})
    if body and counted:
        named["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body
