"""Access tokens that accompany calls: kept as long as they hold, whoever gives them."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from varsel.errors import DependencyFailure
from varsel.mechanisms.retry_after import read_retry_after
from varsel.model.clock import Clock
from varsel.outgoing.breaker import Breakers, Resting

_log = logging.getLogger(__name__)
_MARGIN = timedelta(seconds=5)  # integrations.md 3.3
_LONGEST_LIFE = timedelta(days=1)
_LONGEST_WISH = timedelta(minutes=5)
_RESTING = Resting(failures=3, first=timedelta(seconds=5), longest=timedelta(seconds=60))


class BearerTokens(Protocol):
    """Where the token that accompanies a call comes from."""

    async def token(self) -> str:
        """Return a token that holds now. Raises `DependencyFailure`."""
        ...

    async def renewed(self, rejected: str) -> str:
        """Return another token than `rejected`, which somebody did not accept. Raises `DependencyFailure`."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the moment at which it ends."""

    text: str = field(repr=False)
    ends: datetime


@dataclass(frozen=True, slots=True)
class Missed:
    """No token was given. `reason` holds nothing secret; `retry_after` is the header of that name, if there was one."""

    reason: str
    retry_after: str = ""


class TokenSource(Protocol):
    """Somebody who gives tokens."""

    name: str
    """What operators know it by."""

    async def fetch(self) -> Token | Missed:
        """Ask for a token once, within a time of its own."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


class KeptTokens:
    """Keeps one token until 5 s before its end. However many want a new one, it is fetched once at a time.

    When fetching keeps failing the source is left alone for growing pauses.
    """

    def __init__(self, source: TokenSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._breakers = Breakers(clock, _RESTING)
        self._kept: Token | None = None
        self._flight: asyncio.Task[Token | Missed] | None = None

    async def token(self) -> str:
        """Return a token that holds for 5 s at least, if the source gives such. Raises `DependencyFailure`."""
        kept = self._kept
        if kept is not None and self._clock.now() < kept.ends - _MARGIN:
            return kept.text
        return await self._fresh()

    async def renewed(self, rejected: str) -> str:
        """Return another token than `rejected`; if somebody fetched one meanwhile, that. Raises `DependencyFailure`."""
        if self._kept is not None and self._kept.text == rejected:
            self._kept = None
        return await self.token()

    async def aclose(self) -> None:
        """Give up a fetch that is under way and let go of connections."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)
        await self._source.aclose()

    async def _fresh(self) -> str:
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._fly())
        landed = await asyncio.shield(self._flight)
        if isinstance(landed, Missed):
            raise DependencyFailure(self._source.name, "a token", landed.reason)
        return landed.text

    async def _fly(self) -> Token | Missed:
        """Fetch a token and keep it. A failure is a value here, since nobody may be waiting any more."""
        name = self._source.name
        if self._breakers.rest(name) is not None:
            return Missed("it failed repeatedly and is left alone for a while")
        asked_at = self._clock.now()
        landed = await self._fetched(name)
        if isinstance(landed, Missed):
            wish = read_retry_after(landed.retry_after, now=self._clock.now(), longest=_LONGEST_WISH)
            self._breakers.failed(name, wish)
            _log.warning("no token from %s: %s", name, landed.reason)
        else:
            self._breakers.succeeded(name)
            self._kept = Token(landed.text, min(landed.ends, asked_at + _LONGEST_LIFE))
        return landed

    async def _fetched(self, name: str) -> Token | Missed:
        try:
            return await self._source.fetch()
        except Exception as error:  # noqa: BLE001 - whatever broke, those who wait for the token must hear of it
            _log.error("fetching a token from %s broke (%s)", name, type(error).__name__)
            return Missed(f"{type(error).__name__} while fetching it; the log says more")
