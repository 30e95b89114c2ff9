"""A scripted Maskinporten: checks assertions as the real one does and gives short tokens (integrations.md, 3.3)."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.support.loopback import LoopbackServer, Received, written
from varsel.model.clock import Clock

CLIENT_ID = "8f2a0c1e-0000-4000-8000-000000000001"
SCOPE = "altinn:system/notifications.condition.check"
_LONGEST = 120  # seconds from iat to exp


class Refusal(Exception):
    """An assertion does not hold; `args` are the error's code and its description."""


class Maskinporten(LoopbackServer):
    """Gives `token-1`, `token-2` … for good assertions; `script` holds raw answers that go first.

    `hold()` keeps requests waiting until `release()`. `accepts` is what somebody finds out who is shown a token.
    """

    def __init__(
        self, clock: Clock, key: RSAPublicKey, kid: str, *, lifetime: object = 119, scope: str = SCOPE
    ) -> None:
        super().__init__()
        self.script: deque[bytes] = deque()
        self.lifetime = lifetime
        self.given = 0
        self._clock = clock
        self._key = key
        self._kid = kid
        self._scope = scope
        self._used: set[str] = set()
        self._ends: dict[str, float] = {}
        self._open = asyncio.Event()
        self._open.set()

    @property
    def issuer(self) -> str:
        """The audience of assertions, with its final slash."""
        return self.url("/")

    def hold(self) -> None:
        """Keep requests waiting."""
        self._open.clear()

    def release(self) -> None:
        """Answer what waits, and go on."""
        self._open.set()

    def accepts(self, headers: Mapping[str, str]) -> bool:
        """Tell whether header fields, their names in lower case, hold a token of here that has not ended."""
        return self._clock.now().timestamp() < self._ends.get(headers.get("authorization", ""), 0)

    def revoke(self) -> None:
        """Take back all tokens that were given."""
        self._ends.clear()

    async def answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer a token request."""
        await self._open.wait()
        if self.script:
            writer.write(self.script.popleft())
            return
        try:
            self._check(received)
        except Refusal as refusal:
            code, description = refusal.args
            writer.write(_json(400, {"error": code, "error_description": description}))
            return
        self.given += 1
        token = {"access_token": f"token-{self.given}", "token_type": "Bearer", "expires_in": self.lifetime}
        if isinstance(self.lifetime, int):
            self._ends[f"Bearer token-{self.given}"] = self._clock.now().timestamp() + self.lifetime
        writer.write(_json(200, token | {"scope": self._scope}))

    def _check(self, received: Received) -> None:
        form = parse_qs(received.body.decode("ascii"), strict_parsing=True)
        _require((received.method, received.target) == ("POST", "/token"), "invalid_request", "place")
        content_type = received.headers.get("content-type")
        _require(content_type == "application/x-www-form-urlencoded", "invalid_request", "content type")
        _require(set(form) == {"grant_type", "assertion"}, "invalid_request", "form")
        _require(form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"], "unsupported_grant_type", "")
        self._check_assertion(form["assertion"])

    def _check_assertion(self, presented: Sequence[str]) -> None:
        (assertion,) = presented
        header = jwt.get_unverified_header(assertion)
        _require(header.get("kid") == self._kid, "invalid_grant", "unknown key id")
        try:
            claims = jwt.decode(
                assertion,
                self._key,
                ["RS256"],
                {"verify_exp": False, "verify_iat": False},  # compared below, by the test's clock
                audience=self.issuer,
            )
        except jwt.InvalidTokenError as flaw:
            raise Refusal("invalid_grant", type(flaw).__name__) from flaw
        _require(claims["iss"] == CLIENT_ID, "invalid_client", "iss")
        _require(claims["scope"] == self._scope, "invalid_scope", "scope")
        _require(_times_hold(claims, self._clock.now()), "invalid_grant", "times")
        _require(claims["jti"] not in self._used, "invalid_grant", "used before")
        self._used.add(claims["jti"])


def _times_hold(claims: dict[str, int], now: datetime) -> bool:
    issued, expires = claims["iat"], claims["exp"]
    return issued <= now.timestamp() < expires <= issued + _LONGEST


def _require(holds: bool, code: str, description: str) -> None:
    if not holds:
        raise Refusal(code, description)


def _json(status: int, document: object) -> bytes:
    return written(status, json.dumps(document).encode(), {"Content-Type": "application/json"})
