"""Tokens of Maskinporten, by a signed assertion for an access token (RFC 7523; integrations.md 3.3)."""

import asyncio
import logging
import re
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import msgspec

from varsel.errors import DependencyFailure
from varsel.model.clock import Clock
from varsel.outgoing.assertion import Account, assertion
from varsel.outgoing.breaker import Breakers, Resting

_log = logging.getLogger(__name__)
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_MARGIN = timedelta(seconds=5)
_LONGEST_LIFE = 86_400  # seconds
_LARGEST_ANSWER = 65_536  # bytes
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1
_ERROR_WORD = re.compile(r"[a-z_]{1,40}")
_RESTING = Resting(failures=3, first=timedelta(seconds=5), longest=timedelta(seconds=60))


class _Granted(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: int = 0


class _Refused(msgspec.Struct):
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    usable_until: datetime


@dataclass(frozen=True, slots=True)
class _Missed:
    reason: str


class MaskinportenTokens:
    """Keeps one token until 5 s before its end. However many want a new one, it is fetched once at a time.

    When fetching keeps failing the token endpoint is left alone for growing pauses.
    """

    def __init__(
        self,
        account: Account,
        clock: Clock,
        *,
        timeout: timedelta = timedelta(seconds=10),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._account = account
        self._clock = clock
        self._timeout = timeout.total_seconds()
        self._breakers = Breakers(clock, _RESTING)
        self._kept: _Token | None = None
        self._flight: asyncio.Task[_Token | _Missed] | None = None
        self._client = httpx.AsyncClient(
            verify=tls or httpx.create_ssl_context(trust_env=True),
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout,
            headers={"User-Agent": "varsel", "Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def token(self) -> str:
        """Return a token that holds for 5 s at least. Raises `DependencyFailure`."""
        kept = self._kept
        if kept is not None and self._clock.now() < kept.usable_until:
            return kept.text
        return await self._fresh()

    async def renewed(self, rejected: str) -> str:
        """Return another token than `rejected`; if somebody fetched one meanwhile, that. Raises `DependencyFailure`."""
        if self._kept is not None and self._kept.text == rejected:
            self._kept = None
        return await self.token()

    async def aclose(self) -> None:
        """Give up a fetch that is under way and let go of connections."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)
        await self._client.aclose()

    async def _fresh(self) -> str:
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._fly())
        landed = await asyncio.shield(self._flight)
        if isinstance(landed, _Missed):
            raise DependencyFailure("Maskinporten", "a token", landed.reason)
        return landed.text

    async def _fly(self) -> _Token | _Missed:
        """Fetch a token and keep it. A failure is a value here, since nobody may be waiting any more."""
        place = self._account.token_url
        if self._breakers.rest(place) is not None:
            return _Missed("it failed repeatedly and is left alone for a while")
        landed = await self._landed()
        if isinstance(landed, _Missed):
            self._breakers.failed(place)
            _log.warning("no token from Maskinporten: %s", landed.reason)
        else:
            self._breakers.succeeded(place)
            self._kept = landed
        return landed

    async def _landed(self) -> _Token | _Missed:
        asked_at = self._clock.now()
        form = {"grant_type": _GRANT, "assertion": assertion(self._account, asked_at)}
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._client.stream("POST", self._account.token_url, data=form) as response,
            ):
                body = await _bounded(response)
        except (httpx.HTTPError, OSError) as failure:
            return _Missed(f"it could not be reached ({type(failure).__name__})")
        if body is None:
            return _Missed("its answer is too long")
        return _granted(body, asked_at) if response.status_code == httpx.codes.OK else _refused(response, body)


async def _bounded(response: httpx.Response) -> bytes | None:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            return None
    return bytes(body)


def _granted(body: bytes, asked_at: datetime) -> _Token | _Missed:
    try:
        granted = msgspec.json.decode(body, type=_Granted)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _Missed("its answer is not that of a token endpoint")
    if granted.token_type.lower() != "bearer" or not _TOKEN.fullmatch(granted.access_token):
        return _Missed("its answer holds no bearer token")
    life = timedelta(seconds=max(0, min(granted.expires_in, _LONGEST_LIFE)))
    return _Token(granted.access_token, asked_at + life - _MARGIN)


def _refused(response: httpx.Response, body: bytes) -> _Missed:
    """Name the error's code (RFC 6749 section 5.2), which tells operators what is wrong; nothing else of the answer."""
    try:
        word = msgspec.json.decode(body, type=_Refused).error
    except (msgspec.DecodeError, ValueError, RecursionError):
        word = ""
    named = f" ({word})" if _ERROR_WORD.fullmatch(word) else ""
    return _Missed(f"it answered {response.status_code}{named}; check client id, key id, key and scope")
