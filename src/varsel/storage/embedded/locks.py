"""File locks (flock): the kernel gives them back when their holder ends, however it ends."""

import os
import sys
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

if sys.platform != "win32":
    import fcntl

_PAUSE = 0.02


class FileLock:
    """A lock on one file, shared or exclusive, held by this object until `close`."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> None:
        """Hold the lock together with others; waits while somebody has it alone."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def try_alone(self) -> bool:
        """Hold the lock alone if nobody else holds it; a failure may cost a share held before."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def alone_within(self, seconds: float) -> bool:
        """Hold the lock alone as soon as others let go, or return False after `seconds`."""
        deadline = monotonic() + seconds
        while not self.try_alone():
            if monotonic() > deadline:
                return False
            sleep(_PAUSE)
        return True

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
