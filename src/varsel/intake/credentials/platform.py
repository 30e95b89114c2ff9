"""Platform access tokens: an app or platform component vouching for itself (integrations.md 1.10)."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from varsel.errors import CredentialError
from varsel.intake.credentials.fetch import DocumentFetcher
from varsel.intake.credentials.jws import UnverifiedToken, read_token
from varsel.intake.credentials.keys import KeySource, RefreshRules, RemoteKeys, find_signer, published_keys
from varsel.intake.credentials.policies import Caller
from varsel.intake.credentials.remembered import RememberedTokens
from varsel.model.clock import Clock

ISSUER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.IGNORECASE | re.ASCII)

_ALGORITHMS = frozenset({"RS256"})


class IssuerRegistry(Protocol):
    """Knows where the public keys of platform token issuers are."""

    def source_for(self, issuer: str) -> KeySource | None:
        """Return where the issuer's keys are, or None if it has none. The name is lower-case and well-formed."""
        ...


class PublishedIssuers:
    """Issuers whose key sets are published over HTTPS, by name. Raises SettingsError for an address not to be used."""

    def __init__(
        self, addresses: Mapping[str, str], fetcher: DocumentFetcher, clock: Clock, rules: RefreshRules | None = None
    ) -> None:
        self._sources: dict[str, RemoteKeys] = {
            issuer.lower(): published_keys(url, fetcher, clock, rules) for issuer, url in addresses.items()
        }

    def source_for(self, issuer: str) -> KeySource | None:
        """See `IssuerRegistry`."""
        return self._sources.get(issuer)

    async def aclose(self) -> None:
        """Give up fetches under way."""
        for source in self._sources.values():
            await source.aclose()


class PlatformTokens:
    """Verifies platform access tokens against the key registered for their own `iss`.

    With `audiences` a token that names an audience must name one of them.
    """

    def __init__(
        self,
        registries: Sequence[IssuerRegistry],
        clock: Clock,
        *,
        audiences: Collection[str] | None = None,
        capacity: int = 1024,
    ) -> None:
        self._registries = tuple(registries)
        self._audiences = audiences
        self._clock = clock
        self.remembered = RememberedTokens(capacity)

    async def verify(self, token: bytes) -> Caller:
        """Return the caller a token names. Raises CredentialError, or KeysUnavailable if it cannot be judged."""
        now = self._clock.now().timestamp()
        if (known := self.remembered.recall(token, now)) is not None:
            return known
        unverified = read_token(token, _ALGORITHMS)
        lifetime = unverified.lifetime_at(now)
        unverified.require_audience(self._audiences)
        issuer = _issuer_of(unverified)
        source, keys = await find_signer(unverified, self._sources_for(issuer))
        caller = Caller(issuer, app=unverified.text("urn:altinn:app"))
        self.remembered.keep(token, caller, lifetime, source, keys)
        return caller

    def _sources_for(self, issuer: str) -> list[KeySource]:
        """Look the issuer up without regard to letter case, as key vaults and some file systems do."""
        found = (registry.source_for(issuer.lower()) for registry in self._registries)
        sources = [source for source in found if source is not None]
        if not sources:
            raise CredentialError("no key is registered for the platform access token's issuer")
        return sources


def _issuer_of(token: UnverifiedToken) -> str:
    """Read `iss`; it becomes part of a file name, so its form is checked before anything else is done with it."""
    issuer = token.text("iss")
    if issuer is None or ISSUER_NAME.fullmatch(issuer) is None:
        raise CredentialError("the platform access token's issuer (iss) is not a short name")
    return issuer
