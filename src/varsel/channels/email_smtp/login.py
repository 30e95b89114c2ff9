"""Signing in to a mail server (RFC 4954): by user name and password, or by an access token (XOAUTH2)."""

import base64
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from varsel.channels.email_smtp.extensions import Extensions
from varsel.channels.email_smtp.replies import ConnectionDropped, OpeningFailed, Reply
from varsel.errors import DependencyFailure

Ask = Callable[[str], Awaitable[Reply]]
"""Says a line and returns the reply. Raises `ConnectionDropped`."""

_SIGNED_IN: Final = 235
_GO_ON: Final = 334


class Tokens(Protocol):
    """Where access tokens come from."""

    async def token(self) -> str:
        """Return a token that holds now. Raises `DependencyFailure`."""
        ...

    async def renewed(self, rejected: str) -> str:
        """Return another token than `rejected`. Raises `DependencyFailure`."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


class Login:
    """One account at one server: with `tokens` it signs in by them, else by `password`."""

    def __init__(self, username: str, password: str, tokens: Tokens | None = None) -> None:
        self._username = username
        self._password = password
        self._tokens = tokens
        self._ways: dict[str, Callable[[Ask], Awaitable[Reply]]] = {"PLAIN": self._plain, "LOGIN": self._login}

    async def sign_in(self, ask: Ask, offered: Extensions) -> None:
        """Sign in, or raise `OpeningFailed`; its words leave out the server's, which may repeat the user name."""
        if self._tokens is not None:
            await self._by_token(ask, offered, self._tokens)
            return
        ways = [way for name, way in self._ways.items() if name in offered.auth]
        if not ways:
            raise _not_offered("neither AUTH PLAIN nor LOGIN", offered)
        refusal = await ways[0](ask)
        if refusal.code != _SIGNED_IN and _is_final(refusal) and len(ways) > 1:
            refusal = await _another_way(ways[1], ask, refusal)
        if refusal.code != _SIGNED_IN:
            raise _refused(refusal, "check the SMTP user name and password")

    async def _by_token(self, ask: Ask, offered: Extensions, tokens: Tokens) -> None:
        if "XOAUTH2" not in offered.auth:
            raise _not_offered("no AUTH XOAUTH2", offered)
        try:
            token = await tokens.token()
            reply = await self._xoauth2(ask, token)
            if _is_final(reply):
                reply = await _another_way(self._with(await tokens.renewed(token)), ask, reply)
        except DependencyFailure as failure:
            raise OpeningFailed(f"there is no token to sign in with: {failure}") from failure
        if reply.code != _SIGNED_IN:
            raise _refused(reply, "check the SMTP user name, what its token may do, and whether SMTP is switched on")

    def _with(self, token: str) -> Callable[[Ask], Awaitable[Reply]]:
        return lambda ask: self._xoauth2(ask, token)

    async def _plain(self, ask: Ask) -> Reply:
        return await ask(f"AUTH PLAIN {_base64(chr(0).join(('', self._username, self._password)))}")

    async def _login(self, ask: Ask) -> Reply:
        reply = await ask("AUTH LOGIN")
        for answer in (self._username, self._password):
            if reply.code != _GO_ON:
                break
            reply = await ask(_base64(answer))
        return reply

    async def _xoauth2(self, ask: Ask, token: str) -> Reply:
        """Show a token as Microsoft and Google want it; a refusal is told in two steps, the first awaits an answer."""
        shown = f"user={self._username}\x01auth=Bearer {token}\x01\x01"
        reply = await ask(f"AUTH XOAUTH2 {_base64(shown)}")
        return await ask("") if reply.code == _GO_ON else reply


async def _another_way(way: Callable[[Ask], Awaitable[Reply]], ask: Ask, refusal: Reply) -> Reply:
    """Try another way on the same connection. A server that hangs up has said its last word with `refusal`."""
    try:
        return await way(ask)
    except ConnectionDropped:
        return refusal


def _is_final(reply: Reply) -> bool:
    return reply.code // 100 == 5


def _refused(reply: Reply, advice: str) -> OpeningFailed:
    said = advice if _is_final(reply) else "it is tried again later"
    return OpeningFailed(f"the server did not accept our login ({reply.code}): {said}", lasting=_is_final(reply))


def _not_offered(wanted: str, offered: Extensions) -> OpeningFailed:
    known = ", ".join(sorted(offered.auth)) or "none"
    return OpeningFailed(f"the server offers {wanted} (but {known})", lasting=True)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
