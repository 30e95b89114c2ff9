"""Tokens of any OAuth server, by a client's id and secret (RFC 6749, section 4.4)."""

import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote_plus

from varsel.model.clock import Clock
from varsel.outgoing.token_endpoint import TokenHttp, granted
from varsel.outgoing.tokens import Missed, Token

_ADVICE = "check client id, secret, where the secret is written, and scope"


@dataclass(frozen=True, slots=True)
class Client:
    """A client of an OAuth server; `scope` is space-separated, None asks for what the server gives by itself.

    `secret_in_body` writes id and secret into the form, for servers that do not read the Authorization header.
    """

    token_url: str
    client_id: str
    secret: str = field(repr=False)
    scope: str | None = None
    secret_in_body: bool = False


class ClientCredentials:
    """Gives tokens for what `client`, as it is at present, may ask for."""

    name = "the OAuth server"

    def __init__(
        self,
        client: Callable[[], Client],
        clock: Clock,
        *,
        timeout: timedelta = timedelta(seconds=10),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._http = TokenHttp(timeout, tls)

    async def fetch(self) -> Token | Missed:
        """Exchange id and secret for a token."""
        client = self._client()
        form = {"grant_type": "client_credentials"} | ({"scope": client.scope} if client.scope else {})
        headers: dict[str, str] = {}
        if client.secret_in_body:
            form |= {"client_id": client.client_id, "client_secret": client.secret}
        else:
            headers["Authorization"] = _basic(client)
        asked_at = self._clock.now()
        return granted(await self._http.post(client.token_url, form, headers), asked_at, _ADVICE)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._http.aclose()


def _basic(client: Client) -> str:
    """Write id and secret as RFC 6749, section 2.3.1, wants it: encoded like a form before they are joined."""
    joined = f"{quote_plus(client.client_id)}:{quote_plus(client.secret)}"
    return f"Basic {base64.b64encode(joined.encode()).decode()}"
