"""A bound on log lines of one kind, so that no caller and no outage can fill a disk."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic

_MOST_KINDS = 1_000
"""Kinds that are counted at the same time; with more of them, all counts begin anew."""


@dataclass(slots=True)
class _Count:
    window_ends: float
    written: int = 0
    left_out: int = 0


class SamplingFilter(logging.Filter):
    """Lets pass `most` lines of a kind in each window of `seconds`. `most` of 0 lets all of them pass.

    Lines are of one kind when the same logger wrote them at the same level with the same text before its values are
    filled in. The first line of a later window tells how many were left out before it.
    """

    def __init__(self, most: int, seconds: float = 60.0, now: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._most = most
        self._seconds = seconds
        self._now = now
        self._counts: dict[tuple[str, int, str], _Count] = {}
        self._lock = Lock()  # threads log too

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is written; says in it how many were not."""
        if not self._most:
            return True
        with self._lock:
            left_out = self._take((record.name, record.levelno, str(record.msg)))
        if left_out is None:
            return False
        if left_out:
            record.msg = f"{record.msg} ({left_out} lines like this one were left out before it)"
        return True

    def _take(self, kind: tuple[str, int, str]) -> int | None:
        """Count a line; return how many of its kind were left out since the last one, or None to leave it out too."""
        now = self._now()
        count = self._counts.get(kind)
        if count is None:
            if len(self._counts) >= _MOST_KINDS:
                self._counts.clear()
            count = self._counts[kind] = _Count(now + self._seconds)
        elif now >= count.window_ends:
            count.window_ends, count.written = now + self._seconds, 0
        if count.written >= self._most:
            count.left_out += 1
            return None
        count.written += 1
        left_out, count.left_out = count.left_out, 0
        return left_out
