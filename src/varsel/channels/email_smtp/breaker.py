"""When connecting keeps failing: how long to leave the server alone."""

import random
from datetime import datetime, timedelta


class Breaker:
    """Counts failures in a row and, from a threshold on, asks for pauses that double up to a limit."""

    def __init__(self, threshold: int, first: timedelta, longest: timedelta) -> None:
        self._threshold = threshold
        self._first = first
        self._longest = longest
        self._failures = 0
        self._until: datetime | None = None
        self.reason = ""

    def rest(self, now: datetime) -> timedelta | None:
        """Return how much longer nothing should be tried, None if trying is in order."""
        if self._until is None or now >= self._until:
            return None
        return self._until - now

    def failed(self, reason: str, now: datetime, *, lasting: bool) -> None:
        """Note a failure; a `lasting` one opens the breaker at once (repeated wrong logins lock accounts)."""
        self.reason = reason
        if self.rest(now) is not None:
            return  # one of several attempts under way when the breaker opened
        self._failures = max(self._failures + 1, self._threshold if lasting else 0)
        if self._failures >= self._threshold:
            doublings = min(self._failures - self._threshold, 30)
            spread = random.uniform(0.8, 1.2)  # noqa: S311 - spreads processes, guards nothing
            self._until = now + min(self._first * 2**doublings, self._longest) * spread

    def succeeded(self) -> None:
        """Note that the server does its work."""
        self._failures = 0
        self._until = None
