"""Tokens of Maskinporten, by a signed assertion for an access token (RFC 7523; integrations.md 3.3)."""

import ssl
from collections.abc import Callable
from datetime import timedelta

from varsel.model.clock import Clock
from varsel.outgoing.assertion import Account, assertion
from varsel.outgoing.token_endpoint import TokenHttp, granted
from varsel.outgoing.tokens import Missed, Token

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ADVICE = "check client id, key id, key and scope"


class Maskinporten:
    """Gives tokens for what `account`, as it is at present, may ask for."""

    name = "Maskinporten"

    def __init__(
        self,
        account: Callable[[], Account],
        clock: Clock,
        *,
        timeout: timedelta = timedelta(seconds=10),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._account = account
        self._clock = clock
        self._http = TokenHttp(timeout, tls)

    async def fetch(self) -> Token | Missed:
        """Exchange an assertion for a token."""
        account, asked_at = self._account(), self._clock.now()
        form = {"grant_type": _GRANT, "assertion": assertion(account, asked_at)}
        return granted(await self._http.post(account.token_url, form), asked_at, _ADVICE)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._http.aclose()
