"""A scripted exchange of Altinn: a token of Maskinporten for one of Altinn (integrations.md 1.6)."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import timedelta

import jwt

from tests.support.loopback import LoopbackServer, Received, written
from varsel.model.clock import Clock

BASE = "/authentication/api/v1"
_KEY = "the key of this scripted exchange alone"
_LIFE = timedelta(minutes=30)


class AltinnExchange(LoopbackServer):
    """Gives a token of half an hour for one that `accepts` accepts; `script` holds raw answers that go first.

    `wrapping` is written around tokens, for some representations quote them.
    """

    def __init__(self, clock: Clock, accepts: Callable[[Mapping[str, str]], bool], wrapping: str = '"') -> None:
        super().__init__()
        self.script: deque[bytes] = deque()
        self.given = 0
        self._clock = clock
        self._accepts = accepts
        self._wrapping = wrapping

    async def answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer a request for a token."""
        if self.script:
            writer.write(self.script.popleft())
        elif (received.method, received.target) != ("GET", f"{BASE}/exchange/maskinporten"):
            writer.write(written(400, b""))
        elif not self._accepts(received.headers):
            writer.write(written(401, b""))
        else:
            self.given += 1
            writer.write(written(200, f"{self._wrapping}{self._token()}{self._wrapping}".encode()))

    def lets_in(self, headers: Mapping[str, str]) -> bool:
        """Tell whether header fields, their names in lower case, hold a token of here that has not ended."""
        _, _, token = headers.get("authorization", "").partition(" ")
        lenient = jwt.types.Options(verify_exp=False, verify_iat=False)  # compared below, by the test's clock
        try:
            claims = jwt.decode(token, _KEY, ["HS256"], lenient)
        except jwt.InvalidTokenError:
            return False
        return bool(self._clock.now().timestamp() < claims["exp"])

    def _token(self) -> str:
        ends = self._clock.now() + _LIFE
        return jwt.encode({"exp": int(ends.timestamp()), "number": self.given}, _KEY, algorithm="HS256")
