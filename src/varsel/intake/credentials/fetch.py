"""Fetching the small JSON documents that issuers publish: bounded in time and size, never elsewhere than told."""

import asyncio
import ssl
from functools import cache

import httpx
import msgspec

from varsel.errors import DependencyFailure

CONNECT_TIMEOUT = 5.0  # seconds
TOTAL_TIMEOUT = 10.0  # seconds, from connecting to the last byte
_BUSY = frozenset({429, 503})
LARGEST_DOCUMENT = 1_048_576  # bytes


class DocumentFetcher:
    """Gets JSON over HTTPS, each document within `timeout` seconds. `allow_http` is for development only."""

    def __init__(self, *, allow_http: bool = False, timeout: float = TOTAL_TIMEOUT) -> None:
        self._timeout = timeout
        self._schemes = {"https", "http"} if allow_http else {"https"}
        # Compression is declined so that the size limit counts what is really held in memory.
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=CONNECT_TIMEOUT),
            headers={"User-Agent": "varsel", "Accept": "application/json", "Accept-Encoding": "identity"},
            follow_redirects=False,
            trust_env=False,  # a proxy could replace the keys that decide who is let in
            verify=_tls(),
        )

    def accepts(self, url: str) -> bool:
        """Tell whether `url` is one this fetcher would go to."""
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL:
            return False
        return address.scheme in self._schemes and bool(address.host)

    async def get(self, url: str) -> dict[str, object]:
        """Fetch a JSON object. Raises DependencyFailure for everything that goes wrong."""
        if not self.accepts(url):
            raise _failure("its address is not an https address")
        try:
            async with asyncio.timeout(self._timeout):
                document = msgspec.json.decode(await self._body(url))
        except (TimeoutError, httpx.HTTPError) as fault:
            raise _failure(f"it could not be reached ({type(fault).__name__})") from fault
        except (msgspec.DecodeError, ValueError, RecursionError) as fault:
            raise _failure("it answered something that is not JSON") from fault
        if not isinstance(document, dict):
            raise _failure("it answered JSON that is not an object")
        return document

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _body(self, url: str) -> bytes:
        async with self._client.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                wish = response.headers.get("Retry-After", "") if response.status_code in _BUSY else ""
                raise _failure(f"it answered status {response.status_code}", wish)
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > LARGEST_DOCUMENT:
                    raise _failure("its answer is larger than 1 MiB")
            return bytes(body)


@cache
def _tls() -> ssl.SSLContext:
    """Reading the trusted authorities takes tens of milliseconds, so it is done once."""
    return httpx.create_ssl_context(trust_env=True)  # SSL_CERT_FILE and SSL_CERT_DIR count


def _failure(reason: str, retry_after: str = "") -> DependencyFailure:
    return DependencyFailure("the token issuer", "its published keys", reason, retry_after)
