"""Where keys come from, and how published key sets are kept fresh without waiting and without hammering anybody."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import NamedTuple, Protocol

from varsel.errors import CredentialError, DependencyFailure, KeysUnavailable, SettingsError
from varsel.intake.credentials.fetch import DocumentFetcher
from varsel.intake.credentials.jwk import KeySet, read_key_set
from varsel.intake.credentials.jws import UnverifiedToken
from varsel.mechanisms.backoff import exponential
from varsel.mechanisms.retry_after import read_retry_after
from varsel.model.clock import Clock

_log = logging.getLogger(__name__)


class KeySource(Protocol):
    """Somebody whose signature counts. An unchanged set is always given out as the same object."""

    def vouches(self, keys: KeySet, now: float) -> bool:
        """Tell whether `keys` are still this source's set and nothing is due to be looked up at `now` (seconds)."""
        ...

    async def keys(self) -> KeySet:
        """Return the set to judge by. Raises KeysUnavailable if there never was one, or none for too long."""
        ...

    async def newer(self, than: KeySet) -> KeySet | None:
        """Look whether the set has changed since `than`; None if not, or if it is too early to ask again."""
        ...


@dataclass(frozen=True, slots=True)
class RefreshRules:
    """How long a fetched set serves (integrations.md 1.4).

    A set is renewed in the background when four fifths of `lifetime` have passed; later than `lifetime`, a request
    waits for the renewal. If that fails the last good set serves for `last_good` from its fetch. Unknown keys lead to
    a fetch no sooner than `refetch_interval` after the previous one. After a failure nothing is tried for
    `first_pause`, doubled with each further failure, or for as long as the issuer wishes, up to `longest_pause`.
    """

    lifetime: timedelta = timedelta(hours=1)
    last_good: timedelta = timedelta(hours=24)
    refetch_interval: timedelta = timedelta(seconds=30)
    first_pause: timedelta = timedelta(seconds=1)
    longest_pause: timedelta = timedelta(seconds=60)

    def pause_after(self, failures: int) -> float:
        """Return the seconds to leave the issuer alone after `failures` failures in a row."""
        return exponential(failures, self.first_pause, self.longest_pause).total_seconds()


class RemoteKeys:
    """A published key set, fetched by `load` when first needed and kept as `RefreshRules` say; one fetch at a time."""

    def __init__(self, load: Callable[[], Awaitable[KeySet]], clock: Clock, rules: RefreshRules | None = None) -> None:
        self._load = load
        self._clock = clock
        self._rules = rules or RefreshRules()
        self._keys: KeySet | None = None
        self._quiet_until = -inf
        self._fresh_until = -inf
        self._trusted_until = -inf
        self._attempted_at = -inf
        self._failures = 0
        self._flight: asyncio.Task[None] | None = None

    def vouches(self, keys: KeySet, now: float) -> bool:
        """See `KeySource`."""
        return keys is self._keys and now < self._quiet_until

    async def keys(self) -> KeySet:
        """See `KeySource`."""
        now = self._now()
        if now >= self._quiet_until:
            flight = self._begin(now)
            if now >= self._fresh_until:
                await asyncio.shield(flight)
        if self._keys is None:
            raise KeysUnavailable("no key set could be fetched; check the issuer's address and that it can be reached")
        return self._keys

    async def newer(self, than: KeySet) -> KeySet | None:
        """See `KeySource`."""
        if self._keys is than:
            now = self._now()
            if self._flight is None and now < self._attempted_at + self._rules.refetch_interval.total_seconds():
                return None
            await asyncio.shield(self._begin(now))
        return None if self._keys is than else self._keys

    async def aclose(self) -> None:
        """Give up a fetch under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    def _begin(self, now: float) -> asyncio.Task[None]:
        """Start a fetch, or join the one under way. Until it ends, a set that is still fresh goes on serving."""
        if self._flight is None:
            self._attempted_at = now
            self._quiet_until = self._fresh_until
            self._flight = asyncio.create_task(self._fetch())
        return self._flight

    async def _fetch(self) -> None:
        try:
            fetched = await self._load()
        except DependencyFailure as failure:
            self._failed(failure)
        else:
            self._succeeded(fetched)
        finally:
            self._flight = None

    def _succeeded(self, fetched: KeySet) -> None:
        now, lifetime = self._now(), self._rules.lifetime.total_seconds()
        self._failures = 0
        self._quiet_until = now + 0.8 * lifetime
        self._fresh_until = now + lifetime
        self._trusted_until = now + max(lifetime, self._rules.last_good.total_seconds())
        if fetched != self._keys:
            self._keys = fetched
            _log.info("key set of the token issuer taken over: %d keys", len(fetched.keys))

    def _failed(self, failure: DependencyFailure) -> None:
        now = self._now()
        self._failures += 1
        wish = read_retry_after(failure.retry_after, now=self._clock.now(), longest=self._rules.longest_pause)
        pause = self._rules.pause_after(self._failures)
        self._quiet_until = now + max(pause, wish.total_seconds() if wish else 0.0)
        if now >= self._trusted_until:
            self._keys = None
        else:
            self._quiet_until = min(self._quiet_until, self._trusted_until)
        _log.warning("%s; the last good key set is %s", failure, "gone" if self._keys is None else "kept")

    def _now(self) -> float:
        return self._clock.now().timestamp()


def discovered_keys(
    address: str, fetcher: DocumentFetcher, clock: Clock, rules: RefreshRules | None = None
) -> RemoteKeys:
    """Keys of the issuer whose OpenID Connect discovery document lies under `address` (integrations.md 1.4).

    Raises SettingsError if the address is not one to fetch from.
    """
    _require_acceptable(address, fetcher)
    document_url = address.rstrip("/") + "/.well-known/openid-configuration"

    async def load() -> KeySet:
        document = await fetcher.get(document_url)
        issuer, jwks_uri = document.get("issuer"), document.get("jwks_uri")
        if not isinstance(issuer, str) or not isinstance(jwks_uri, str):
            raise DependencyFailure("the token issuer", "its discovery document", "issuer or jwks_uri is missing")
        return _key_set(await fetcher.get(jwks_uri), issuer)

    return RemoteKeys(load, clock, rules)


def published_keys(url: str, fetcher: DocumentFetcher, clock: Clock, rules: RefreshRules | None = None) -> RemoteKeys:
    """Keys of the key set at `url` itself. Raises SettingsError if the address is not one to fetch from."""
    _require_acceptable(url, fetcher)

    async def load() -> KeySet:
        return _key_set(await fetcher.get(url), None)

    return RemoteKeys(load, clock, rules)


class Signer(NamedTuple):
    """Whose signature was found on a token, and by which of its sets."""

    source: KeySource
    keys: KeySet


async def find_signer(token: UnverifiedToken, sources: Sequence[KeySource]) -> Signer:
    """Find the source whose key signed the token, asking once more where its key is not known yet.

    Raises KeysUnavailable if a source that could have known it has no keys, CredentialError if nobody signed it.
    """
    held, unavailable = await _held_by(sources)
    for signer in held:
        if token.signed_by(signer.keys):
            return signer
    if not any(signer.keys.knows(token.kid) for signer in held):
        for source, keys in held:
            renewed = await source.newer(keys)
            if renewed is not None and token.signed_by(renewed):
                return Signer(source, renewed)
        if unavailable is not None:
            raise unavailable
    raise CredentialError("the token's signature was not made with a key that is trusted")


async def _held_by(sources: Sequence[KeySource]) -> tuple[list[Signer], KeysUnavailable | None]:
    held: list[Signer] = []
    unavailable = None
    for source in sources:
        try:
            held.append(Signer(source, await source.keys()))
        except KeysUnavailable as fault:
            unavailable = fault
    return held, unavailable


def _key_set(document: dict[str, object], issuer: str | None) -> KeySet:
    try:
        return KeySet(read_key_set(document), issuer)
    except ValueError as fault:
        raise DependencyFailure("the token issuer", "its published keys", str(fault)) from fault


def _require_acceptable(address: str, fetcher: DocumentFetcher) -> None:
    if not fetcher.accepts(address):
        raise SettingsError(["the address of a token issuer must begin with https:// (http:// only in development)"])
