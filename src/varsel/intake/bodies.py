"""Request bodies: a small one whole, as it arrived; any other as a stream, taken only as fast as it is read."""

from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import ClientDisconnect, Request

from varsel.intake.credentials import Caller
from varsel.intake.headers import header
from varsel.intake.shapes import BodyTooLarge
from varsel.intake.shapes.body import Chunks
from varsel.mechanisms.digits import read_digits
from varsel.mechanisms.shares import Shares

_SMALL: Final = 32_768


class Bodies:
    """Lets few large bodies in at once, for each takes its size in memory until what it says is stored.

    One creator has at most half of the places (of a single one, all), so that slow uploads of one do not hold up those
    of another.

    `largest` and `big` count bytes: beyond which a body is refused, and from where on it waits for one of `at_once`
    places.
    """

    def __init__(self, *, largest: int, big: int, at_once: int) -> None:
        self._largest = largest
        self._small = min(_SMALL, largest)
        self._big = big
        self._places = Shares(at_once, each=max(1, at_once // 2))

    def of(self, request: Request, caller: Caller) -> "_Held":
        """Have the body of a request for the time of an `async with` block.

        Raises `BodyTooLarge` for one announced so.

        One of unknown size waits for a place only when it turns out not to be small: many callers announce nothing.
        """
        return _Held(self, request, caller.creator)

    async def taken(self, request: Request) -> tuple[Chunks, Shares | None]:
        """Return the body, and where a place must be acquired before it is read, if anywhere."""
        announced = _announced_size(request)
        if announced is not None and announced > self._largest:
            raise BodyTooLarge("the body is announced as larger than allowed")
        body = request.stream() if announced is not None and announced > self._small else await self._begun(request)
        waits = not isinstance(body, bytes) and (announced is None or announced >= self._big)
        return body, self._places if waits else None

    async def _begun(self, request: Request) -> Chunks:
        """Take in a small body; return one that proves larger as a stream of what came and what is to come."""
        begun, more = await _next(request)
        while more and len(begun) <= self._small:
            chunk, more = await _next(request)
            begun += chunk
        return _continued(begun, request, more=more) if more or len(begun) > self._small else begun


class _Held:
    """The body of one request, for the time of a block; written out because it is entered for every request."""

    __slots__ = ("_bodies", "_creator", "_places", "_request")

    def __init__(self, bodies: Bodies, request: Request, creator: str | None) -> None:
        self._bodies = bodies
        self._request = request
        self._creator = creator
        self._places: Shares | None = None

    async def __aenter__(self) -> Chunks:
        """Take the body in, or its place in the row of large ones."""
        body, places = await self._bodies.taken(self._request)
        if places is not None:
            await places.acquire(self._creator)
            self._places = places
        return body

    async def __aexit__(self, *_error: object) -> None:
        """Make room for the next large one."""
        if self._places is not None:
            self._places.release(self._creator)


def _announced_size(request: Request) -> int | None:
    return read_digits(header(request, b"content-length"))


async def _continued(begun: bytes, request: Request, *, more: bool) -> AsyncIterator[bytes]:
    yield begun
    while more:
        chunk, more = await _next(request)
        yield chunk


async def _next(request: Request) -> tuple[bytes, bool]:
    """Return the next piece and whether more follow."""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)
