"""One HTTP/1.1 request and its answer over a kept connection, with nothing tidied up on the way.

Client libraries resolve dot segments and escape characters; here the bytes go out as they are.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import h11

from bench.compare.cases import Request
from bench.errors import BenchError

ANSWER_SECONDS = 60.0
_LARGEST_ANSWER = 64 * 1024 * 1024
_READ = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is a JSON value where the answer says that it is JSON, and text otherwise."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request could not be sent or answered: the service closed the connection, or did not speak HTTP."""

    reason: str


class Side:
    """One of the two services, and the connection to it."""

    def __init__(self, address: str, token: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BenchError(f"{address} is no address of a service; it should look like http://127.0.0.1:5090")
        self.address = address.rstrip("/")
        self._host, self._port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._token = token
        self._prefix = parts.path.rstrip("/")
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._protocol = h11.Connection(h11.CLIENT)

    async def ask(self, request: Request) -> Answer | Refused:
        """Send `request` and return what came back."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._exchange(request)
        except (OSError, h11.ProtocolError, EOFError) as failure:
            await self.close()
            return Refused(type(failure).__name__)

    async def close(self) -> None:
        """Close the connection."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()

    async def _exchange(self, request: Request) -> Answer:
        reader, writer = self._streams or await self._connect()
        headers = [("Host", f"{self._host}:{self._port}"), *request.headers]
        if request.authorised:
            headers.append(("Authorization", f"Bearer {self._token}"))
        if request.body is not None:
            headers.append(("Content-Length", str(len(request.body))))
        target = (self._prefix + request.path).encode()
        for event in (
            h11.Request(method=request.method, target=target, headers=headers),
            h11.Data(request.body or b""),
        ):
            writer.write(self._protocol.send(event) or b"")
        writer.write(self._protocol.send(h11.EndOfMessage()) or b"")
        return await self._read(reader)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._protocol = h11.Connection(h11.CLIENT)
        self._streams = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        return self._streams

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        status, headers, body = 0, dict[str, str](), bytearray()
        while True:
            event = self._protocol.next_event()
            if event is h11.NEED_DATA:
                self._protocol.receive_data(await reader.read(_READ))
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > _LARGEST_ANSWER:
                    raise BenchError("an answer exceeds 64 MiB")
            elif isinstance(event, h11.EndOfMessage):
                break
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError
        await self._ready_for_next()
        return Answer(status, headers, _content(bytes(body), headers.get("content-type", "")))

    async def _ready_for_next(self) -> None:
        if self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
        else:
            await self.close()


def _content(body: bytes, content_type: str) -> Any:
    text = body.decode("utf-8", errors="replace")
    if "json" not in content_type:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
