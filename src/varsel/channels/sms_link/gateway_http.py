"""One HTTP exchange with the gateway, and what is known of it when it goes wrong."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx

from varsel.channels.protocol import Transient, Unknown
from varsel.channels.sms_link.link_settings import LinkSettings
from varsel.errors import ProviderUnreachable
from varsel.mechanisms.retry_after import read_retry_after
from varsel.model.clock import Clock

_HEADERS = {"User-Agent": "varsel", "Accept": "text/xml, application/xml", "Accept-Encoding": "identity"}
_TOO_MANY_REQUESTS, _FAILURES, _UNAVAILABLE = 429, 500, 503


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A 2xx answer."""

    content_type: str | None
    body: bytes


class GatewayHttp:
    """Keeps connections to one gateway. No redirects, no compression, answers up to a limit.

    Every exchange in flight has a client, and so a connection, of its own: the pool inside one client looks at all
    of its connections for each request, which with 64 of them costs ten times the exchange itself.
    """

    def __init__(self, settings: LinkSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._url = httpx.URL(settings.url)
        self._total = settings.timeout.total_seconds()
        self._tls = _tls()
        self._idle: list[httpx.AsyncClient] = []

    async def post(self, body: bytes) -> HttpAnswer | Transient | Unknown:
        """Post one request. `Transient` if the gateway certainly did not take it, `Unknown` if it may have."""
        written = _Written()
        try:
            async with asyncio.timeout(self._total), self._client() as client:
                return await self._exchange(client, body, written)
        except (httpx.HTTPError, TimeoutError) as error:
            if written.begun:
                return Unknown(f"the answer was lost ({type(error).__name__})")
            return Transient(f"the gateway was not reached ({type(error).__name__})", reached=False)

    async def _exchange(
        self, client: httpx.AsyncClient, body: bytes, written: "_Written"
    ) -> HttpAnswer | Transient | Unknown:
        headers = {"Content-Type": f"text/xml; charset={self._settings.charset}"}
        extensions = {"trace": written.trace}
        async with client.stream("POST", self._url, content=body, headers=headers, extensions=extensions) as response:
            if not response.is_success:
                return _refusal(response, self._clock.now())
            answer = await self._read(response)
        if answer is None:
            return Unknown(f"the gateway's answer is longer than {self._settings.answer_limit} bytes")
        return HttpAnswer(response.headers.get("Content-Type"), answer)

    async def _read(self, response: httpx.Response) -> bytes | None:
        """Return the body, or None as soon as it exceeds the limit."""
        answer = bytearray()
        async for chunk in response.aiter_raw():
            answer += chunk
            if len(answer) > self._settings.answer_limit:
                return None
        return bytes(answer)

    async def reach(self) -> str:
        """Ask for the gateway's page and say what came back. Raises `ProviderUnreachable`."""
        try:
            async with (
                asyncio.timeout(self._total),
                self._client() as client,
                client.stream("GET", self._url) as answer,
            ):
                status = answer.status_code
        except (httpx.HTTPError, TimeoutError) as error:
            raise ProviderUnreachable(
                f"The LINK gateway at {self._place} does not answer ({type(error).__name__}). "
                "Check its address, and that this machine may connect to it."
            ) from error
        return f"The LINK gateway at {self._place} answers (HTTP {status}); the account is tried by the first SMS."

    @property
    def _place(self) -> str:
        return self._url.netloc.decode("ascii")

    async def close(self) -> None:
        """Close all connections."""
        while self._idle:
            await self._idle.pop().aclose()

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        """Lend a client, the one used last if any is idle, so that few connections stay warm under little load."""
        client = self._idle.pop() if self._idle else self._new_client()
        try:
            yield client
        finally:
            self._idle.append(client)

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self._tls,
            trust_env=False,
            headers=_HEADERS,
            follow_redirects=False,
            timeout=httpx.Timeout(self._total, connect=self._settings.connect_timeout.total_seconds()),
            limits=httpx.Limits(max_connections=1),
        )


class _Written:
    """Remembers whether any of the request's body may have left; before that the gateway cannot have a message."""

    def __init__(self) -> None:
        self.begun = False

    async def trace(self, event: str, _info: Mapping[str, object]) -> None:
        if event.endswith("send_request_body.started"):
            self.begun = True


def _refusal(response: httpx.Response, now: datetime) -> Transient | Unknown:
    """Tell what an answer other than 2xx means: whether the gateway refused, or failed while it had the message.

    Only 503 says of itself that nothing was done. The others above 499 may come from something between us and the
    gateway that lost its answer (502, 504), or from the gateway after it has sent.
    """
    status = response.status_code
    if status >= _FAILURES and status != _UNAVAILABLE:
        return Unknown(f"the gateway answered HTTP {status}")
    busy = status in {_TOO_MANY_REQUESTS, _UNAVAILABLE}
    # A wish of no time at all, such as a date in the past, is none: messages would return at once.
    retry_after = (read_retry_after(response.headers.get("Retry-After", ""), now=now) or None) if busy else None
    advice = "; redirects are not followed, check the address" if response.is_redirect else ""
    return Transient(f"the gateway answered HTTP {status}{advice}", retry_after, pause=status == _TOO_MANY_REQUESTS)


def _tls() -> ssl.SSLContext:
    # SSL_CERT_FILE and SSL_CERT_DIR count; proxies of the environment do not: they would see the password's traffic.
    return httpx.create_ssl_context(trust_env=True)
