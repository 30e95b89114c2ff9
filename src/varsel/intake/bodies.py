"""Request bodies: a small one whole, as it arrived; any other as a stream, taken only as fast as it is read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.requests import ClientDisconnect, Request

from varsel.intake.shapes import BodyTooLarge
from varsel.intake.shapes.body import Chunks

_SMALL: Final = 32_768


class Bodies:
    """Lets few large bodies in at once, for each takes its size in memory until what it says is stored.

    `largest` and `big` count bytes: beyond which a body is refused, and from where on it waits for one of `at_once`
    places.
    """

    def __init__(self, *, largest: int, big: int, at_once: int) -> None:
        self._largest = largest
        self._small = min(_SMALL, largest)
        self._big = big
        self._places = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def of(self, request: Request) -> AsyncIterator[Chunks]:
        """Have the body of `request` for the time of the block. Raises `BodyTooLarge` for one announced so.

        One of unknown size waits for a place only when it turns out not to be small: many callers announce nothing.
        """
        announced = _announced_size(request)
        if announced is not None and announced > self._largest:
            raise BodyTooLarge("the body is announced as larger than allowed")
        body = request.stream() if announced is not None and announced > self._small else await self._begun(request)
        if isinstance(body, bytes) or (announced is not None and announced < self._big):
            yield body
            return
        async with self._places:
            yield body

    async def _begun(self, request: Request) -> Chunks:
        """Take in a small body; return one that proves larger as a stream of what came and what is to come."""
        body = bytearray()
        while len(body) <= self._small:
            chunk, more = await _next(request)
            body += chunk
            if not more:
                return bytes(body)
        return _continued(bytes(body), request)


def _announced_size(request: Request) -> int | None:
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() else None


async def _continued(begun: bytes, request: Request) -> AsyncIterator[bytes]:
    yield begun
    more = True
    while more:
        chunk, more = await _next(request)
        yield chunk


async def _next(request: Request) -> tuple[bytes, bool]:
    """Return the next piece and whether more follow."""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)
