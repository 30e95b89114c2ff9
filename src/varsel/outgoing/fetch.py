"""One guarded GET: to a checked address only, bounded in time and size, never elsewhere than told."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

import httpx

from varsel.errors import AddressUnreachable, AnswerIncomplete, AnswerTooLarge, AnswerUnreadable
from varsel.mechanisms.addresses import AddressMemory
from varsel.mechanisms.content_coding import Malformed, decoder_of
from varsel.mechanisms.retry_after import read_retry_after
from varsel.outgoing.destination import Destination, IPAddress
from varsel.outgoing.guard import Guard

_CONNECT_TIMEOUT = timedelta(seconds=5)
_MOST_ADDRESSES = 4
_BUSY = frozenset({429, 503})
_LENGTH = re.compile(r"[0-9]{1,20}")
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# Compression is declined, since it gains nothing here; what is compressed all the same (files in a store) is expanded.
_HEADERS = {"User-Agent": "varsel", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
_ALONE = httpx.Limits(max_connections=1, max_keepalive_connections=0)


class SizeLimit:
    """The bytes that may still be read. Downloads that share one are counted together."""

    def __init__(self, largest: int) -> None:
        self.left = largest

    def take(self, size: int) -> bool:
        """Count `size` bytes; False if they are more than was left."""
        self.left -= size
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `headers` are read in any letter case."""

    status: int
    body: bytes
    headers: httpx.Headers = field(default_factory=httpx.Headers, compare=False, repr=False)


class Incoming:
    """An answer whose body is still to be read, within the block that opened it."""

    def __init__(self, origin: str, response: httpx.Response, limit: SizeLimit) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self._origin = origin
        self._response = response
        self._limit = limit

    async def chunks(self, *, decode: bool = True) -> AsyncIterator[bytes]:
        """Give the body piece by piece as it arrives, without its content coding unless `decode` is False.

        What is counted is what is given, and never less than what arrived. Raises `AnswerTooLarge`, `AnswerUnreadable`
        and `AnswerIncomplete`.
        """
        most = self._limit.left
        if self._announced() > most:
            raise self._too_large()
        try:
            decoder = decoder_of(self.headers.get("Content-Encoding", "") if decode else "")
            async for chunk in self._response.aiter_raw():
                most -= len(chunk)
                for piece in decoder.decode(chunk):
                    if most < 0 or not self._limit.take(len(piece)):
                        raise self._too_large()
                    yield piece
            decoder.finish()
        except Malformed as flaw:
            raise AnswerUnreadable(f"{self._origin} gave an answer that cannot be read: {flaw}.") from flaw
        except (httpx.HTTPError, OSError) as failure:
            raise AnswerIncomplete(f"{self._origin} broke off its answer ({type(failure).__name__}).") from failure

    async def read(self) -> bytes:
        """Return the whole body. Raises as `chunks` does."""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
        return bytes(body)

    def retry_after(self, now: datetime) -> timedelta | None:
        """Return how long the server asks to be left alone, an hour at most; None if it does not."""
        return retry_after_of(self.status, self.headers, now)

    def _announced(self) -> int:
        length = self.headers.get("Content-Length", "")
        return int(length) if _LENGTH.fullmatch(length) else 0

    def _too_large(self) -> AnswerTooLarge:
        return AnswerTooLarge(f"{self._origin} answered more than the limit allows.")


def retry_after_of(status: int, headers: httpx.Headers, now: datetime) -> timedelta | None:
    """Return the Retry-After of an answer whose status says that its server has too much to do (RFC 9110, 10.2.3).

    A wish of no time at all, such as a date in the past, is none.
    """
    return (read_retry_after(headers.get("Retry-After", ""), now=now) or None) if status in _BUSY else None


class _Course:
    """How far a request has come."""

    def __init__(self) -> None:
        self._connected = False

    async def follow(self, event: str, _details: Mapping[str, object]) -> None:
        """Take note of an event of httpcore: after TCP and TLS the request's head is sent."""
        self._connected = self._connected or event.endswith(".send_request_headers.started")

    def failure(self, text: str) -> AddressUnreachable:
        """Return the failure of a request that has come so far and no farther."""
        return AnswerIncomplete(text) if self._connected else AddressUnreachable(text)


@dataclass(frozen=True, slots=True)
class _Call:
    """A GET that is to be made; connecting may take `connect` seconds at each address."""

    destination: Destination
    headers: Mapping[str, str]
    course: _Course
    connect: float

    def to(self, address: IPAddress) -> httpx.Request:
        """Write a request that dials `address`, while Host and TLS keep the name."""
        url = self.destination.url
        return httpx.Request(
            "GET",
            url.copy_with(host=str(address)),
            headers={**_HEADERS, **self.headers, "Host": url.netloc.decode("ascii")},
            extensions={
                "sni_hostname": self.destination.host,
                "trace": self.course.follow,
                "timeout": httpx.Timeout(None, connect=self.connect).as_dict(),
            },
        )


class Fetcher:
    """Fetches from destinations that `guard` admits.

    Every request has a connection of its own: a kept one would have been checked under another name, or long ago.
    Redirects are answers like others; proxies, cookies and credentials of the environment do not exist here.
    `tls` defaults to the system's trust (`SSL_CERT_FILE` and `SSL_CERT_DIR` count).
    """

    def __init__(
        self, guard: Guard, *, connect_timeout: timedelta = _CONNECT_TIMEOUT, tls: ssl.SSLContext | None = None
    ) -> None:
        self._guard = guard
        self._connect_timeout = connect_timeout.total_seconds()
        self._tls = tls or httpx.create_ssl_context(trust_env=True)
        self._memory = AddressMemory[tuple[IPAddress, int]]()

    async def get(
        self, destination: Destination, *, within: timedelta, limit: SizeLimit, headers: Mapping[str, str] = _NO_HEADERS
    ) -> Answer:
        """Fetch a whole answer of any status. Raises `AddressNotFetched` in all its forms."""
        async with self.open(destination, within=within, limit=limit, headers=headers) as incoming:
            return Answer(incoming.status, await incoming.read(), incoming.headers)

    @asynccontextmanager
    async def open(
        self, destination: Destination, *, within: timedelta, limit: SizeLimit, headers: Mapping[str, str] = _NO_HEADERS
    ) -> AsyncIterator[Incoming]:
        """Give an answer as soon as its head is there, to be read inside the block.

        `within` reaches from the connection to the end of the block; the look-up of the name has a limit of its own.
        Raises `AddressNotFetched` in all its forms.
        """
        addresses = await self._guard.admit(destination)
        deadline, course = asyncio.timeout(within.total_seconds()), _Course()
        try:
            async with deadline, AsyncExitStack() as opened:
                call = _Call(destination, headers, course, self._time_for_each(len(addresses), within))
                response = await self._response(opened, call, addresses)
                yield Incoming(destination.origin, response, limit)
        except TimeoutError as late:
            if not deadline.expired():
                raise  # somebody else's time-out, inside the block
            seconds = within.total_seconds()
            raise course.failure(f"{destination.origin} did not answer in full within {seconds:g} s.") from late

    def _time_for_each(self, addresses: int, within: timedelta) -> float:
        """Return how many seconds a connection may take, so that all addresses have their turn and one can answer."""
        return min(self._connect_timeout, within.total_seconds() / (min(addresses, _MOST_ADDRESSES) + 1))

    async def _response(self, opened: AsyncExitStack, call: _Call, addresses: Sequence[IPAddress]) -> httpx.Response:
        """Ask the first address that takes a connection; those that did not lately come last."""
        failure: Exception | None = None
        origin, course, now = call.destination.origin, call.course, asyncio.get_running_loop().time()
        places = self._memory.ordered([(address, call.destination.port) for address in addresses], now)
        for place in places[:_MOST_ADDRESSES]:
            transport = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, limits=_ALONE)
            await opened.enter_async_context(transport)
            try:
                response = await transport.handle_async_request(call.to(place[0]))
            except (httpx.ConnectError, httpx.ConnectTimeout) as unconnected:
                self._memory.failed(place, now)
                failure = unconnected
                continue
            except (httpx.HTTPError, OSError) as broken:
                failure = broken
                break
            self._memory.worked(place)
            opened.push_async_callback(response.aclose)
            return response
        raise course.failure(f"{origin} could not be asked ({type(failure).__name__}).") from failure
