"""A scripted OAuth server: checks a client's id and secret and gives tokens (RFC 6749, sections 2.3.1 and 4.4)."""

import asyncio
import base64
import binascii
import json
from collections import deque
from urllib.parse import parse_qs, unquote_plus

from tests.support.loopback import LoopbackServer, Received, written

CLIENT_ID = "varsel client"
CLIENT_SECRET = "fjord:42%+lamp&ø"
SCOPE = "conditions.read conditions.ask"
PLACE = "/oauth2/token/"


class _Refusal(Exception):
    """A request does not hold; `args` are the status and the error's code."""


class OAuthServer(LoopbackServer):
    """Gives `oauth-1`, `oauth-2` … to the client it knows; `script` holds raw answers that go first.

    `in_body` reads id and secret from the form and nowhere else; otherwise from the Authorization header alone.
    """

    def __init__(self, *, in_body: bool = False, scope: str | None = SCOPE, lifetime: object = 3600) -> None:
        super().__init__()
        self.script: deque[bytes] = deque()
        self.lifetime = lifetime
        self.given = 0
        self._in_body = in_body
        self._scope = scope
        self._open = asyncio.Event()
        self._open.set()

    @property
    def token_url(self) -> str:
        """Where tokens are given; it ends with a slash on purpose, for some do."""
        return self.url(PLACE)

    def hold(self) -> None:
        """Keep requests waiting."""
        self._open.clear()

    async def answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer a token request."""
        await self._open.wait()
        if self.script:
            writer.write(self.script.popleft())
            return
        try:
            self._check(received)
        except _Refusal as refusal:
            status, code = refusal.args
            writer.write(_json(status, {"error": code, "error_description": "secret"}))
            return
        self.given += 1
        lasting = {} if self.lifetime is None else {"expires_in": self.lifetime}
        writer.write(_json(200, {"access_token": f"oauth-{self.given}", "token_type": "bearer"} | lasting))

    def _check(self, received: Received) -> None:
        _require((received.method, received.target) == ("POST", PLACE), 404, "invalid_request")
        content_type = received.headers.get("content-type")
        _require(content_type == "application/x-www-form-urlencoded", 400, "invalid_request")
        read = parse_qs(received.body.decode("ascii"), strict_parsing=True)
        form = {name: value for name, (value,) in read.items()}
        _require(form.pop("grant_type", "") == "client_credentials", 400, "unsupported_grant_type")
        _require(form.pop("scope", None) == self._scope, 400, "invalid_scope")
        header = received.headers.get("authorization")
        presented = (form.pop("client_id", ""), form.pop("client_secret", "")) if self._in_body else _basic(header)
        _require(presented == (CLIENT_ID, CLIENT_SECRET) and (header is None) == self._in_body, 401, "invalid_client")
        _require(not form, 400, "invalid_request")


def _basic(header: str | None) -> tuple[str, str]:
    scheme, _, credentials = (header or "").partition(" ")
    try:
        name, divider, secret = base64.b64decode(credentials, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError) as flaw:
        raise _Refusal(401, "invalid_client") from flaw
    _require(scheme == "Basic" and divider == ":", 401, "invalid_client")
    return unquote_plus(name), unquote_plus(secret)


def _require(holds: bool, status: int, code: str) -> None:
    if not holds:
        raise _Refusal(status, code)


def _json(status: int, document: object) -> bytes:
    return written(status, json.dumps(document).encode(), {"Content-Type": "application/json"})
