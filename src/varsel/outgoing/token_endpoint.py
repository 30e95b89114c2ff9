"""One call of a token endpoint, and how its answer is read (RFC 6749, sections 5.1 and 5.2)."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import msgspec

from varsel.outgoing.tokens import Missed, Token

_BUSY = frozenset({429, 503})
_LARGEST_ANSWER = 65_536  # bytes
_LONGEST_LIFE = 10 * 86_400  # seconds; beyond it dates might end
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_BEARER_TYPES = frozenset({"bearer", "bearertoken"})
"""Types in lower case. A server that names none gives what was asked for; Apigee writes `BearerToken`."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1
_ERROR_WORD = re.compile(r"[a-z_]{1,40}")
_FIELDS = {"User-Agent": "varsel", "Accept": "application/json", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer; `retry_after` is the header of that name, if its server has too much to do."""

    status: int
    body: bytes
    retry_after: str = ""


class _Granted(msgspec.Struct):
    access_token: str
    token_type: str | None = None
    expires_in: msgspec.Raw = msgspec.Raw(b"null")


class _Refused(msgspec.Struct):
    error: str = ""


class TokenHttp:
    """Calls addresses that the operator named, `timeout` for each call at most; redirects are answers like others.

    `tls` None trusts whom the system trusts.
    """

    def __init__(self, timeout: timedelta, tls: ssl.SSLContext | None = None) -> None:
        self._timeout = timeout.total_seconds()
        self._client = httpx.AsyncClient(
            verify=tls or httpx.create_ssl_context(trust_env=True),
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout,
            headers=_FIELDS,
        )

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Reply | Missed:
        """Send a form."""
        return await self._send(self._client.build_request("POST", url, data=form, headers=headers))

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply | Missed:
        """Fetch what lies at `url`."""
        return await self._send(self._client.build_request("GET", url, headers=headers))

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _send(self, request: httpx.Request) -> Reply | Missed:
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.send(request, stream=True)
                try:
                    return await _bounded(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            return Missed(f"it could not be reached within {self._timeout:g} s")
        except (httpx.HTTPError, OSError) as failure:
            return Missed(f"it could not be reached ({type(failure).__name__})")


async def _bounded(response: httpx.Response) -> Reply | Missed:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            return Missed("its answer is too long")
    wish = response.headers.get("Retry-After", "") if response.status_code in _BUSY else ""
    return Reply(response.status_code, bytes(body), wish)


def is_bearer_token(text: str) -> bool:
    """Tell whether `text` can be sent as a bearer token."""
    return _TOKEN.fullmatch(text) is not None


def granted(reply: Reply | Missed, asked_at: datetime, advice: str) -> Token | Missed:
    """Read what a token endpoint answered; `advice` says what to check when it refuses."""
    if isinstance(reply, Missed):
        return reply
    return _read(reply.body, asked_at) if reply.status == httpx.codes.OK else _refused(reply, advice)


def _read(body: bytes, asked_at: datetime) -> Token | Missed:
    try:
        answer = msgspec.json.decode(body, type=_Granted)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Missed("its answer is not that of a token endpoint")
    if (answer.token_type or "bearer").lower() not in _BEARER_TYPES or not is_bearer_token(answer.access_token):
        return Missed("its answer holds no bearer token")
    return Token(answer.access_token, asked_at + _life(bytes(answer.expires_in).decode("utf-8", "replace")))


def seconds_in(written: str) -> float | None:
    """Read a number of seconds as token servers write it; None if `written` is no number.

    RFC 6749 (section 4.2.2) and RFC 7519 (section 2) want a JSON number. Servers in use also send a number with a
    fraction, and a number in quotes (Azure AD v1, Apigee).
    """
    text = written.strip(' "\t\r\n')
    return float(text) if _NUMBER.fullmatch(text) else None


def _life(written: str) -> timedelta:
    """Return how long a token lasts by its `expires_in`; zero where that says nothing, so that it is used once."""
    return timedelta(seconds=max(0.0, min(seconds_in(written) or 0.0, _LONGEST_LIFE)))


def _refused(reply: Reply, advice: str) -> Missed:
    """Name the error's code (RFC 6749 section 5.2), which tells operators what is wrong; nothing else of the answer."""
    try:
        word = msgspec.json.decode(reply.body, type=_Refused).error
    except (msgspec.DecodeError, ValueError, RecursionError):
        word = ""
    named = f" ({word})" if _ERROR_WORD.fullmatch(word) else ""
    return Missed(f"it answered {reply.status}{named}; {advice}", reply.retry_after)
