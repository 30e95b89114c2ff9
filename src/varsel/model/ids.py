"""Identifiers that sort by time (UUID version 7, RFC 9562 section 5.7).

They write about a tenth faster than random ones, keep indexes dense, and let big tables be partitioned by time.
"""

import os
import random
import threading
import time
from datetime import UTC, datetime
from uuid import UUID, SafeUUID

_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_RANDOM_BITS = 74
_RANDOM_MASK = (1 << _RANDOM_BITS) - 1
_LOW_MASK = (1 << 62) - 1
_STEP = 0x9E37_79B9
"""Distance between identifiers of one millisecond; leaves room for 2**41 of them."""


class IdMint:
    """Mints UUIDs of version 7, strictly increasing within the mint (RFC 9562 section 6.2, method 2)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dice = random.Random(os.urandom(32))  # noqa: S311 - ids must differ, they guard nothing
        self._millisecond = 0
        self._random = 0

    def new(self, count: int) -> list[UUID]:
        """Return the next `count` identifiers, in rising order."""
        with self._lock:
            self._move_on()
            return [self._next() for _ in range(count)]

    def _move_on(self) -> None:
        """Begin anew in each millisecond; the top bit stays clear as room for counting upwards."""
        millisecond = time.time_ns() // 1_000_000
        if millisecond > self._millisecond:
            self._millisecond = millisecond
            self._random = self._dice.getrandbits(_RANDOM_BITS - 1)

    def _next(self) -> UUID:
        self._random += _STEP
        if self._random > _RANDOM_MASK:
            self._millisecond += 1
            self._random &= _RANDOM_MASK >> 1
        high, low = self._random >> 62, self._random & _LOW_MASK
        return uuid_of((self._millisecond << 80) | _VERSION | (high << 64) | _VARIANT | low)


# A UUID weighs six ways of being made before it begins, which costs most of what a notification's id does.
_blank = UUID.__new__
_set_number = vars(UUID)["int"].__set__
_set_safety = vars(UUID)["is_safe"].__set__
_UNKNOWN = SafeUUID.unknown


def uuid_of(number: int) -> UUID:
    """Make the UUID of a number of 128 bits."""
    made = _blank(UUID)
    _set_number(made, number)
    _set_safety(made, _UNKNOWN)
    return made


_mint = IdMint()


def new_id() -> UUID:
    """Return a fresh, time-ordered identifier."""
    return _mint.new(1)[0]


def new_ids(count: int) -> list[UUID]:
    """Return `count` fresh identifiers in rising order; cheaper than one by one."""
    return _mint.new(count)


def lowest_id(instant: datetime) -> UUID:
    """Return the smallest identifier that could have been minted at `instant`; for time-bounded scans."""
    millisecond = int(instant.astimezone(UTC).timestamp() * 1000)
    return UUID(int=(millisecond << 80) | _VERSION | _VARIANT)
