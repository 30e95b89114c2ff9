"""What one connection, and all of them together, may take. Sizes are bytes, times are seconds."""

from dataclasses import dataclass
from typing import Final

TARGET: Final = 8_192
"""Longest request target; a longer one is answered 414."""

FIELDS: Final = 100
"""Most header fields of a request; more are answered 431."""

HELD: Final = 65_536
"""From so many bytes that nobody has asked for yet, a connection is not read any further."""

DRAINED: Final = 4_194_304
"""Longest rest of a body that is read and dropped so that its connection can be used again."""

DROPPED: Final = 64 * 1_048_576
"""Most bytes read and dropped after the last answer, so that a caller who is still sending gets to read it."""

GRACE: Final = 5.0
"""How long a body may arrive at any rate before the rate is judged."""

READING: Final = 30.0
"""How long an answer may be read at any rate before the rate is judged."""

CLOSING: Final = 2.0
"""How long a caller has to notice that its connection was closed, before what it still sends is answered by a reset."""

ANNOUNCED_LATER: Final = 5.0
"""How much longer an idle connection is kept than its answers announce."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds that operators choose."""

    head: int = 32_768
    """Longest request head; a longer one is answered 431."""
    head_seconds: float = 30.0
    """Longest time from the first byte of a head to its last; then 408."""
    idle_seconds: float = 75.0
    """How long a connection without a request is kept, as announced in `Keep-Alive`."""
    least_rate: int = 1_000
    """Bytes per second at which a body must arrive and an answer be read, on average."""
    connections: int = 2_000
    """Most connections at a time."""
