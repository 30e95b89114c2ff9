"""Credentials of outgoing calls, as header fields that may change from call to call."""

from collections.abc import Callable, Mapping
from typing import Protocol

from varsel.contacts.altinn.platform_token import PlatformAccessTokens


class Credentials(Protocol):
    """What a component recognises the caller by."""

    async def fields(self) -> Mapping[str, str]:
        """Return the header fields of the next call. Raises `DependencyFailure` when a token cannot be had."""
        ...

    async def renewed(self, rejected: Mapping[str, str]) -> Mapping[str, str] | None:
        """Return other fields than `rejected`, None if there are none. Raises `DependencyFailure` as `fields` does."""
        ...

    async def aclose(self) -> None:
        """Let go of connections; more than once does no harm."""
        ...


class FixedHeaders:
    """Sends fields with every call, such as `Ocp-Apim-Subscription-Key`; `fields` gives them as they are at present."""

    def __init__(self, fields: Callable[[], Mapping[str, str]]) -> None:
        self._present = fields

    async def fields(self) -> Mapping[str, str]:
        """Return the fields."""
        return self._present()

    async def renewed(self, rejected: Mapping[str, str]) -> Mapping[str, str] | None:
        """Return those fields that have changed meanwhile."""
        changed = {name: value for name, value in self._present().items() if rejected.get(name) != value}
        return changed or None

    async def aclose(self) -> None:
        """Nothing is held."""


class PlatformHeader:
    """Sends the service's own platform access token (integrations.md 2.7)."""

    def __init__(self, tokens: PlatformAccessTokens) -> None:
        self._tokens = tokens

    async def fields(self) -> Mapping[str, str]:
        """Return a token that holds."""
        return {"PlatformAccessToken": self._tokens.token()}

    async def renewed(self, rejected: Mapping[str, str]) -> Mapping[str, str] | None:
        """Who does not accept one signature of ours accepts no other."""
        del rejected
        return None

    async def aclose(self) -> None:
        """Nothing is held."""


class AllHeaders:
    """Sends the fields of all `sources`; no two of them may send the same one."""

    def __init__(self, *sources: Credentials) -> None:
        self._sources = sources

    async def fields(self) -> Mapping[str, str]:
        """Return everybody's fields."""
        fields: dict[str, str] = {}
        for source in self._sources:
            fields |= await source.fields()
        return fields

    async def renewed(self, rejected: Mapping[str, str]) -> Mapping[str, str] | None:
        """Return the fields with those replaced that have others."""
        renewals = [await source.renewed(rejected) for source in self._sources]
        if not any(renewals):
            return None
        fields = dict(rejected)
        for renewal in renewals:
            fields |= renewal or {}
        return fields

    async def aclose(self) -> None:
        """Let go of what they hold."""
        for source in self._sources:
            await source.aclose()
