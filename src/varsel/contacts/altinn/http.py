"""The JSON client all of Altinn's components are asked with: bounded in time and size, retried once, gated."""

import asyncio
import logging
import ssl
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import random
from typing import TypeVar

import httpx
import msgspec

from varsel.contacts.altinn.headers import Credentials
from varsel.contacts.altinn.reading import Listing, Nameless, Odd, Unreadable, read
from varsel.contacts.limits import Gate
from varsel.errors import DependencyFailure, QuestionRefused

E = TypeVar("E")
_log = logging.getLogger(__name__)

_PASSING = frozenset({502, 503, 504})
"""Worth another try at once: a proxy or an instance that goes or comes."""
_BUSY = frozenset({429, 503})
_REFUSING = frozenset({400, 413, 422})
"""The question is at fault, or too much."""
_ADVICE = "check its address and the credentials"
_UNRECOGNISED = frozenset({401, 403})
_UNAUTHORIZED = 401
_FIELDS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # so that the size limit counts what is really held in memory
    "Content-Type": "application/json",
    "User-Agent": "varsel",
}


@dataclass(frozen=True, slots=True)
class CallOptions:
    """Bounds of one call. `timeout` is for the whole of it, the retry included; `largest_answer` is in bytes.

    Fetching a token is bounded by itself, and a call that is repeated with another token has its time anew.
    """

    connect_timeout: timedelta = timedelta(seconds=5)
    timeout: timedelta = timedelta(seconds=30)
    retry_pause: timedelta = timedelta(milliseconds=200)
    largest_answer: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    retry_after: str


class JsonClient:
    """Posts questions below `base_url`, which ends in `/`. Failures name the gate's dependency and the operation."""

    def __init__(
        self,
        base_url: str,
        gate: Gate,
        credentials: Credentials,
        options: CallOptions = CallOptions(),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._base_url = base_url
        self._gate = gate
        self._credentials = credentials
        self._options = options
        self._client = httpx.AsyncClient(
            verify=tls or httpx.create_ssl_context(trust_env=True),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(
                options.timeout.total_seconds(), connect=options.connect_timeout.total_seconds(), pool=None
            ),
            headers=_FIELDS,
        )

    async def ask(
        self,
        operation: str,
        path: str,
        question: object,
        listing: Listing[E],
        *,
        accepted: Container[int] = range(200, 300),
    ) -> list[E | Odd] | None:
        """Post `question` as JSON and return the entries of the answer, None without a list of them.

        Only the statuses in `accepted` count as an answer. Raises `DependencyFailure`; `QuestionRefused` also when the
        answer is too large or an odd entry does not tell whom it is about, for a smaller question helps.
        """
        async with self._gate.turn(operation):
            answer = await self._answered(operation, path, msgspec.json.encode(question))
            if answer.status not in accepted:
                if answer.status in _REFUSING:
                    raise QuestionRefused(self._gate.dependency, operation, _told(answer.status))
                raise DependencyFailure(self._gate.dependency, operation, _told(answer.status), answer.retry_after)
            return self._read(operation, answer.body, listing)

    async def reach(self, operation: str, path: str, question: object) -> None:
        """Post `question` to see whether anybody answers, even by refusing it; raises `DependencyFailure`."""
        answer = await self._answered(operation, path, msgspec.json.encode(question))
        if answer.status not in range(200, 300) and answer.status not in _REFUSING:
            raise self._failure(operation, f"it answered status {answer.status}; {_ADVICE}")

    async def close(self) -> None:
        """Let go of connections, those of the credentials included."""
        await self._credentials.aclose()
        await self._client.aclose()

    def _read(self, operation: str, body: bytes, listing: Listing[E]) -> list[E | Odd] | None:
        try:
            reading = read(body, listing)
        except Unreadable as flaw:
            raise self._failure(operation, str(flaw)) from None
        except Nameless as flaw:
            raise QuestionRefused(self._gate.dependency, operation, str(flaw)) from None
        if reading is None:
            return None
        if reading.flaws:
            oddities = len(reading.flaws), reading.flaws[0]
            _log.warning("%s answered %s with %d odd entries (%s)", self._gate.dependency, operation, *oddities)
        return reading.entries

    async def _answered(self, operation: str, path: str, question: bytes) -> _Answer:
        """Send, and once more with another token if one was rejected."""
        fields = await self._credentials.fields()
        answer = await self._timed(operation, path, question, fields)
        if answer.status != _UNAUTHORIZED:
            return answer
        others = await self._credentials.renewed(fields)
        return answer if others is None else await self._timed(operation, path, question, others)

    async def _timed(self, operation: str, path: str, question: bytes, headers: Mapping[str, str]) -> _Answer:
        """Send within the time there is, a second time if the first failed in passing."""
        try:
            async with asyncio.timeout(self._options.timeout.total_seconds()):
                first = await self._first(path, question, headers)
                if first is not None:
                    return first
                await asyncio.sleep(self._options.retry_pause.total_seconds() * (0.5 + random()))  # noqa: S311 - jitter
                return await self._send(path, question, headers)
        except TimeoutError:
            raise self._failure(operation, "it took too long") from None
        except (httpx.HTTPError, OSError) as failure:
            raise self._failure(operation, f"it could not be reached ({type(failure).__name__})") from None
        except _TooLarge:
            # A smaller question has a smaller answer.
            raise QuestionRefused(self._gate.dependency, operation, "its answer is larger than the limit") from None

    async def _first(self, path: str, question: bytes, headers: Mapping[str, str]) -> _Answer | None:
        """Return an answer, or None if a second try may succeed. All questions are reads, so asking twice is safe."""
        try:
            answer = await self._send(path, question, headers)
        except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout):
            return None
        return None if answer.status in _PASSING and not answer.retry_after else answer

    async def _send(self, path: str, question: bytes, headers: Mapping[str, str]) -> _Answer:
        url = self._base_url + path
        async with self._client.stream("POST", url, content=question, headers=headers) as response:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._options.largest_answer:
                    if response.is_success:
                        raise _TooLarge
                    break  # the status says it all
            wish = response.headers.get("Retry-After", "") if response.status_code in _BUSY else ""
            return _Answer(response.status_code, bytes(body), wish)

    def _failure(self, operation: str, reason: str) -> DependencyFailure:
        return DependencyFailure(self._gate.dependency, operation, reason)


def _told(status: int) -> str:
    return f"it answered status {status}" + (f"; {_ADVICE}" if status in _UNRECOGNISED else "")


class _TooLarge(Exception):
    pass
