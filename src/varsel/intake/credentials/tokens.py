"""Altinn tokens: who calls, and with which scopes (integrations.md 1.3 and 1.5)."""

from collections.abc import Collection, Sequence

from varsel.errors import CredentialError, KeysUnavailable, SettingsError
from varsel.intake.credentials.jws import SUPPORTED_ALGORITHMS, read_token
from varsel.intake.credentials.keys import KeySource, find_signer
from varsel.intake.credentials.policies import Caller, scopes_of
from varsel.intake.credentials.remembered import RememberedTokens
from varsel.model.clock import Clock


class AltinnTokens:
    """Verifies Altinn tokens against the keys of the trusted `sources`, remembering the last `capacity` good ones.

    `check_issuer` demands that `iss` is the name the signing source gives itself, `audiences` that an `aud` names one
    of them. Raises SettingsError for an algorithm outside RS256, RS384, RS512, PS256 and ES256.
    """

    def __init__(
        self,
        sources: Sequence[KeySource],
        clock: Clock,
        *,
        algorithms: Collection[str] = ("RS256",),
        check_issuer: bool = False,
        audiences: Collection[str] | None = None,
        capacity: int = 4096,
    ) -> None:
        if not set(algorithms) <= SUPPORTED_ALGORITHMS:
            raise SettingsError([f"token algorithms must be among {', '.join(sorted(SUPPORTED_ALGORITHMS))}"])
        self._sources = tuple(sources)
        self._clock = clock
        self._algorithms = frozenset(algorithms)
        self._check_issuer = check_issuer
        self._audiences = audiences
        self.remembered = RememberedTokens(capacity)

    async def check(self) -> str:
        """Obtain every source's keys and say how many are trusted; raises KeysUnavailable."""
        if not self._sources:
            raise KeysUnavailable("No token issuer is trusted. Set VARSEL_OPENID_ADDRESS.")
        sets = [await source.keys() for source in self._sources]
        return f"keys of {len(sets)} token issuer(s) are at hand"

    async def verify(self, token: bytes) -> Caller:
        """Return the caller a token names. Raises CredentialError, or KeysUnavailable if it cannot be judged."""
        now = self._clock.now().timestamp()
        if (known := self.remembered.recall(token, now)) is not None:
            return known
        unverified = read_token(token, self._algorithms)
        lifetime = unverified.lifetime_at(now)
        unverified.require_audience(self._audiences)
        source, keys = await find_signer(unverified, self._sources)
        if self._check_issuer and unverified.claims.get("iss") != keys.issuer:
            raise CredentialError("the token's issuer (iss) is not the one whose key signed it")
        caller = Caller(unverified.text("urn:altinn:org"), scopes_of(unverified.claims))
        self.remembered.keep(token, caller, lifetime, source, keys)
        return caller
