"""Altinn's exchange: a token of Maskinporten for one of Altinn, where that alone is accepted (integrations.md 1.6)."""

import ssl
from datetime import UTC, datetime, timedelta

import jwt

from varsel.errors import DependencyFailure
from varsel.outgoing.token_endpoint import Reply, TokenHttp, is_bearer_token, seconds_in
from varsel.outgoing.tokens import BearerTokens, Missed, Token

_PATH = "exchange/maskinporten"
_OK, _UNAUTHORIZED = 200, 401
_UNREADABLE = (jwt.PyJWTError, LookupError, TypeError, ValueError, RecursionError)
"""What the library raises for something that is no token."""
_LAST_SECOND = 253_402_300_799  # of the year 9999


class Exchange:
    """Gives Altinn's tokens for `tokens`, at the authentication component below `base_url`, which ends in `/`."""

    name = "Altinn's token exchange"

    def __init__(
        self,
        base_url: str,
        tokens: BearerTokens,
        *,
        timeout: timedelta = timedelta(seconds=10),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = base_url + _PATH
        self._tokens = tokens
        self._http = TokenHttp(timeout, tls)

    async def fetch(self) -> Token | Missed:
        """Exchange a token, and another one if that is rejected."""
        try:
            token = await self._tokens.token()
            reply = await self._ask(token)
            if isinstance(reply, Reply) and reply.status == _UNAUTHORIZED:
                reply = await self._ask(await self._tokens.renewed(token))
        except DependencyFailure as failure:
            return Missed(str(failure))
        return _exchanged(reply) if isinstance(reply, Reply) else reply

    async def aclose(self) -> None:
        """Let go of connections, those of whoever gives the tokens included."""
        await self._tokens.aclose()
        await self._http.aclose()

    async def _ask(self, token: str) -> Reply | Missed:
        return await self._http.get(self._url, {"Authorization": f"Bearer {token}"})


def _exchanged(reply: Reply) -> Token | Missed:
    if reply.status != _OK:
        advice = "check its address, and client id and scope at Maskinporten"
        return Missed(f"it answered {reply.status}; {advice}", reply.retry_after)
    token = reply.body.decode("latin-1").strip().strip('"').strip()
    if not is_bearer_token(token):
        return Missed("its answer holds no token")
    return Token(token, _end_of(token))


def _end_of(token: str) -> datetime:
    """Read until when a token holds; long ago where it does not say, so that it is used once.

    Whether it is genuine is for the components to say that are shown it.
    """
    try:
        written = jwt.decode(token, options={"verify_signature": False}).get("exp")
    except _UNREADABLE:
        written = None
    return datetime.fromtimestamp(max(0.0, min(seconds_in(str(written)) or 0.0, _LAST_SECOND)), UTC)
