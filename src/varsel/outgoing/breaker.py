"""Leaving hosts alone that cannot be reached again and again, for pauses that grow."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random

from varsel.mechanisms.backoff import exponential, spread
from varsel.model.clock import Clock

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resting:
    """After `failures` in a row a host rests for `first`, then twice as long each time, up to `longest`.

    `hosts` failing ones are remembered at most; the one that failed longest ago is forgotten first.
    """

    failures: int = 5
    first: timedelta = timedelta(seconds=15)
    longest: timedelta = timedelta(seconds=60)
    hosts: int = 10_000


@dataclass(slots=True)
class _Record:
    failures: int = 0
    until: datetime | None = None


class Breakers:
    """One breaker for each host; only hosts that fail take memory."""

    def __init__(self, clock: Clock, resting: Resting = Resting(), chance: Callable[[], float] = random) -> None:
        self._clock = clock
        self._resting = resting
        self._chance = chance
        self._failing: dict[str, _Record] = {}

    def rest(self, host: str) -> timedelta | None:
        """Return how much longer `host` is left alone, None if it may be asked."""
        record = self._failing.get(host)
        if record is None or record.until is None:
            return None
        left = record.until - self._clock.now()
        return left if left > timedelta(0) else None

    def succeeded(self, host: str) -> None:
        """Note that `host` was reached."""
        self._failing.pop(host, None)

    def failed(self, host: str, at_least: timedelta | None = None) -> None:
        """Note that `host` could not be reached, or wishes to be left alone for `at_least`."""
        resting = self.rest(host) is not None
        record = self._failing.pop(host, None) or _Record()
        self._failing[host] = record  # now the youngest
        if len(self._failing) > self._resting.hosts:
            del self._failing[next(iter(self._failing))]
        if resting:
            return  # one of several under way when the rest began; it has been counted in it
        record.failures += 1
        if at_least or record.failures >= self._resting.failures:
            self._lay_to_rest(host, record, at_least or timedelta(0))

    def _lay_to_rest(self, host: str, record: _Record, pause: timedelta) -> None:
        if (beyond := record.failures - self._resting.failures) >= 0:
            grown = exponential(beyond + 1, self._resting.first, self._resting.longest)
            pause = max(pause, spread(grown, self._chance()))
        record.until = self._clock.now() + pause
        _log.warning(
            "%s is left alone for %.0f s after %d failures in a row", host, pause.total_seconds(), record.failures
        )
