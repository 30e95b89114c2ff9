"""Slowing failed attempts, such as wrong guesses at a password: per source and over all sources, in bounded memory."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

_MOST_SOURCES = 1_024


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many failures at once, and one more after each `pause`."""

    failures: int
    pause: timedelta


class FailureLimit:
    """Tells how long the answer to a failed attempt should be held back.

    Only failures are counted and only they are slowed: whoever succeeds is never made to wait, though others fail from
    the same source. Of many sources the least recently seen are forgotten; what all of them do together still counts.
    """

    def __init__(self, each: Allowance, all_together: Allowance, *, longest: timedelta) -> None:
        self._each = each
        self._all_together = all_together
        self._longest = longest
        self._clear_at: OrderedDict[str, datetime] = OrderedDict()
        self._all_clear_at: datetime | None = None

    def failed(self, source: str, now: datetime) -> timedelta:
        """Count a failed attempt of `source`, and return how long to hold its answer back: from zero to the longest."""
        own = _clear_after(self._each, self._clear_at.get(source), now)
        every = _clear_after(self._all_together, self._all_clear_at, now)
        self._all_clear_at = every
        self._clear_at[source] = own
        self._clear_at.move_to_end(source)
        if len(self._clear_at) > _MOST_SOURCES:
            self._clear_at.popitem(last=False)
        wait = max(_excess(self._each, own, now), _excess(self._all_together, every, now))
        return min(max(wait, timedelta(0)), self._longest)


def _clear_after(allowance: Allowance, clear_at: datetime | None, now: datetime) -> datetime:
    """Return when one failure more will be forgiven, as in the generic cell rate algorithm (ITU-T I.371)."""
    return max(clear_at or now, now) + allowance.pause


def _excess(allowance: Allowance, clear_at: datetime, now: datetime) -> timedelta:
    return clear_at - now - allowance.pause * allowance.failures
