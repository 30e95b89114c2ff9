"""HTTP spoken by hand, for what an ordinary client would put right before sending it."""

import asyncio
from dataclasses import dataclass

_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it travelled; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


async def exchange(port: int, *pieces: bytes) -> RawAnswer:
    """Send `pieces` on a connection of their own and read one answer, even one that comes before all is sent."""
    async with asyncio.timeout(_TIMEOUT):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            sending = asyncio.create_task(_send(writer, pieces))
            answer = await read_answer(reader)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            return answer
        finally:
            writer.close()


async def _send(writer: asyncio.StreamWriter, pieces: tuple[bytes, ...]) -> None:
    for piece in pieces:
        writer.write(piece)
        await writer.drain()


async def read_answer(reader: asyncio.StreamReader) -> RawAnswer:
    """Read one answer with a counted body or none."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").removesuffix("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return RawAnswer(int(first.split(" ")[1]), headers, body)


def request(
    method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"", *, counted: bool = True
) -> bytes:
    """Write a request; with `counted` its Content-Length is told when there is a body."""
    named = {"Host": "127.0.0.1"} | (headers or {})
    if body and counted:
        named["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body
