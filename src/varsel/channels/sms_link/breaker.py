"""Leaving a failing gateway alone, for a pause that grows."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from random import random

from varsel.model.clock import Clock

_log = logging.getLogger(__name__)
_SPREAD = 0.2
"""A pause is lengthened or shortened by up to this share, so that processes do not return in step."""


class Breaker:
    """Counts exchanges that failed in a row. After `failures` of them it asks for a pause.

    When the pause is over one exchange is let through: its success ends the matter, its failure doubles the pause.
    """

    def __init__(
        self,
        clock: Clock,
        failures: int,
        first_pause: timedelta,
        longest_pause: timedelta,
        chance: Callable[[], float] = random,
    ) -> None:
        self._clock = clock
        self._failures = failures
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._chance = chance
        self._failed_in_a_row = 0
        self._pause = first_pause
        self._resting_until: datetime | None = None
        self._probing = False

    def remaining(self) -> timedelta | None:
        """Ask to begin an exchange: None is a yes, otherwise the time to wait before asking again.

        After a yes one of `succeeded`, `failed` or `abandoned` must follow.
        """
        if self._resting_until is None:
            return None
        wait = self._resting_until - self._clock.now()
        if wait > timedelta(0):
            return wait
        if self._probing:
            return self._first_pause
        self._probing = True
        return None

    def succeeded(self) -> None:
        """The gateway answered as it should."""
        self._failed_in_a_row = 0
        self._pause = self._first_pause
        self._resting_until = None
        self._probing = False

    def failed(self, detail: str, *, at_once: bool = False, at_least: timedelta | None = None) -> timedelta | None:
        """Count a failure and return the pause it leads to, if any.

        `at_once` pauses without counting, for faults that every message would meet; `at_least` is the gateway's
        own wish. `detail` goes to the log.
        """
        self._failed_in_a_row += 1
        self._probing = False
        now = self._clock.now()
        if self._resting_until is not None and self._resting_until > now:
            return self._resting_until - now  # an exchange begun before the pause; it has been counted in it
        if not at_once and self._failed_in_a_row < self._failures:
            return None
        pause = max(self._next_pause(), at_least or timedelta(0))
        self._resting_until = now + pause
        _log.warning("the LINK gateway is left alone for %.0f s: %s", pause.total_seconds(), detail)
        return pause

    def abandoned(self) -> None:
        """The exchange was broken off before it showed anything."""
        self._probing = False

    def _next_pause(self) -> timedelta:
        pause = min(self._pause, self._longest_pause)
        self._pause = pause * 2
        return pause * (1 + _SPREAD * (2 * self._chance() - 1))
