"""How hard a dependency may be leant on: so many calls at once, and none for a while when it keeps failing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random

from varsel.errors import DependencyFailure, QuestionRefused
from varsel.mechanisms.backoff import exponential, spread
from varsel.mechanisms.retry_after import read_retry_after
from varsel.model.clock import Clock

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls at once, and after how many failures in a row a rest begins: `first_rest`, then twice as long each time.

    A dependency that says itself when to come back gets that rest at once, no longer than `longest_rest`.
    """

    calls_at_once: int = 4
    failures: int = 5
    first_rest: timedelta = timedelta(seconds=5)
    longest_rest: timedelta = timedelta(seconds=60)


class Gate:
    """The way to one dependency. When a rest is over one call goes first; the others follow if it is answered."""

    def __init__(
        self, dependency: str, clock: Clock, limits: Limits = Limits(), chance: Callable[[], float] = random
    ) -> None:
        self.dependency = dependency
        self._clock = clock
        self._limits = limits
        self._chance = chance
        self._turns = asyncio.Semaphore(limits.calls_at_once)
        self._failures = 0
        self._resting_until: datetime | None = None
        self._trying = False

    @asynccontextmanager
    async def turn(self, operation: str) -> AsyncIterator[None]:
        """Wait for a turn to call, and learn from how the call ends. Raises `DependencyFailure` during a rest.

        A failure of somebody else, such as one who gives tokens, says nothing of this dependency and is not counted.
        A refused question is neither an answer nor a failure; who finds that everything is refused makes it one.
        """
        async with self._turns:
            self._admit(operation)
            try:
                yield
            except QuestionRefused as refusal:
                self._trying = False
                refusal.blame = self._failed
                raise
            except DependencyFailure as failure:
                if failure.dependency == self.dependency:
                    self._failed(failure.retry_after)
                self._trying = False
                raise
            except BaseException:
                self._trying = False
                raise
            self._succeeded()

    def _admit(self, operation: str) -> None:
        if self._resting_until is None:
            return
        if self._trying or self._clock.now() < self._resting_until:
            raise DependencyFailure(self.dependency, operation, "it failed repeatedly and is left alone for a while")
        self._trying = True

    def _succeeded(self) -> None:
        self._failures = 0
        self._resting_until = None
        self._trying = False

    def _failed(self, retry_after: str = "") -> None:
        self._trying = False
        now = self._clock.now()
        if self._resting_until is not None and now < self._resting_until:
            return  # one of several under way when the rest began; it has been counted in it
        self._failures += 1
        wish = read_retry_after(retry_after, now=now, longest=self._limits.longest_rest)
        if wish or self._failures >= self._limits.failures:
            self._rest(now, wish or timedelta(0))

    def _rest(self, now: datetime, at_least: timedelta) -> None:
        """Begin a rest: the dependency's own wish, or a growing one after failures in a row, whichever is longer."""
        rest = at_least
        if (beyond := self._failures - self._limits.failures) >= 0:
            grown = exponential(beyond + 1, self._limits.first_rest, self._limits.longest_rest)
            rest = max(rest, spread(grown, self._chance()))
        self._resting_until = now + rest
        _log.warning(
            "%s is left alone for %.0f s after %d failures in a row",
            self.dependency,
            rest.total_seconds(),
            self._failures,
        )
