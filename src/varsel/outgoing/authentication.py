"""How a question shows who is asking it (integrations.md 3.3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from varsel.outgoing.destination import Destination
from varsel.outgoing.tokens import BearerTokens

_AUTHORIZATION = "Authorization"
_BEARER = "Bearer "


class Authentication(Protocol):
    """One way of showing who is asking."""

    confidential: bool
    """Whether somebody on the way could use what he sees."""

    async def fields(self) -> Mapping[str, str]:
        """Return the header fields of the next question. Raises `DependencyFailure` when a token cannot be had."""
        ...

    async def renewed(self, rejected: Mapping[str, str]) -> Mapping[str, str] | None:
        """Return other fields than `rejected`, None if there are none. Raises `DependencyFailure` as `fields` does."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


class Bearer:
    """Sends a token, and another one when it is rejected."""

    confidential = True

    def __init__(self, tokens: BearerTokens) -> None:
        self._tokens = tokens

    async def fields(self) -> Mapping[str, str]:
        """Return the token that holds now."""
        return {_AUTHORIZATION: _BEARER + await self._tokens.token()}

    async def renewed(self, rejected: Mapping[str, str]) -> Mapping[str, str] | None:
        """Return another token."""
        token = rejected.get(_AUTHORIZATION, "").removeprefix(_BEARER)
        return {_AUTHORIZATION: _BEARER + await self._tokens.renewed(token)}

    async def aclose(self) -> None:
        """Let go of whoever gives the tokens."""
        await self._tokens.aclose()


class FixedField:
    """Sends a header field with every question; `value` gives what stands in it at present."""

    confidential = True

    def __init__(self, name: str, value: Callable[[], str]) -> None:
        self._name = name
        self._value = value

    async def fields(self) -> Mapping[str, str]:
        """Return the field."""
        return {self._name: self._value()}

    async def renewed(self, rejected: Mapping[str, str]) -> Mapping[str, str] | None:
        """Return the field if its value has changed meanwhile."""
        fields = await self.fields()
        return None if fields == rejected else fields

    async def aclose(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """How endpoints are shown who is asking, and which of them; the others are asked by nobody in particular.

    `hosts` lists names in lower case, those below a domain by the domain with a dot in front; empty means every host.
    `over_http` shows what is confidential to endpoints without TLS too.
    """

    authentication: Authentication
    hosts: tuple[str, ...] = ()
    over_http: bool = False

    def suits(self, destination: Destination) -> bool:
        """Tell whether the endpoint may be shown."""
        protected = destination.url.scheme == "https" or self.over_http or not self.authentication.confidential
        return protected and (not self.hosts or any(_covers(name, destination.host) for name in self.hosts))


def _covers(name: str, host: str) -> bool:
    return host.endswith(name) if name.startswith(".") else host == name
