"""Files whose content may change while the process runs: looked at now and then, read again when they changed."""

import os
import time
from collections.abc import Callable
from math import inf
from pathlib import Path

LOOK_INTERVAL = 1.0  # seconds between two looks at whether a file changed
_TICK = 1_000_000_000  # nanoseconds within which two changes may bear the same time

Stamp = tuple[int, int, int]
"""Time of the last change in nanoseconds, size and inode; a link that leads elsewhere has another inode."""

_NO_FILE_HAS_THIS: Stamp = (-1, -1, -1)


def stamp_of(path: Path) -> Stamp | None:
    """Return by what a changed file is known; None where there is none to be seen."""
    try:
        status = os.stat(path)  # noqa: PTH116 -- half the time of Path.stat, and taken for many requests
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def settled(stamp: Stamp | None) -> Stamp | None:
    """Return the stamp to compare with later.

    File systems tell time in ticks: a change within the tick of the last one leaves no trace, so a recent stamp
    proves nothing and is replaced by one that no file has.
    """
    recent = stamp is not None and time.time_ns() - stamp[0] < _TICK
    return _NO_FILE_HAS_THIS if recent else stamp


class FollowedFile:
    """A file of at most `largest` bytes whose `content` was just read, and is read again when it changed."""

    def __init__(self, path: Path, content: bytes, largest: int, now: Callable[[], float] = time.monotonic) -> None:
        self._content = content
        self._path = path
        self._largest = largest
        self._now = now
        self._stamp = settled(stamp_of(path))
        self._look_at = -inf

    def latest(self) -> bytes:
        """Return the content, as it was a second ago at most; what was read last while the file cannot be read.

        A file that is larger than allowed is cut one byte behind that, so that whoever reads it can tell.
        """
        now = self._now()
        if now >= self._look_at:
            self._look_at = now + LOOK_INTERVAL
            self._look()
        return self._content

    def _look(self) -> None:
        stamp = stamp_of(self._path)
        if stamp is None or stamp == self._stamp:
            return
        try:
            with self._path.open("rb") as file:
                self._content = file.read(self._largest + 1)
        except OSError:
            return
        self._stamp = settled(stamp)
