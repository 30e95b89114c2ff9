"""Requests that come again as they were, byte for byte, as retries do: answered again without being read.

Only answers are kept that cannot become wrong: those of chains that are committed and new, for a chain keeps its id and
its orders for as long as it is there, which is days at least. Requests of the instant family may let go of their id and
must not be kept.

A commit can be lost with the history of the database it belongs to: in a failover to a server that had not heard of it,
or a restore. An answer therefore holds only in the history that was current before its chain was stored.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

from varsel.intake.credentials import Caller
from varsel.intake.shapes.body import Chunks, Decoding
from varsel.model.clock import Clock

_CAPACITY: Final = 10_000
_AGE: Final = timedelta(hours=1)
"""Callers who try again do so within minutes."""
_LARGEST_ANSWER: Final = 2_048
"""Bytes; what is longer names dozens of reminders, and few callers send such chains."""

SAME: Final = "same"
DIFFERS: Final = "differs"
"""How the body of a replay compares with that of the first request."""


class Signature(NamedTuple):
    """What makes two requests the same: who asks, for what, and in which words."""

    creator: str
    shape: type
    decoder: Decoding
    digest: bytes


class Repeat(NamedTuple):
    """How a request is answered when it comes again: with this document; its `body` is `SAME` or `DIFFERS`.

    `until` is the last moment at which its rules judge it as they did, if there is one.
    """

    document: bytes
    body: str
    until: datetime | None


class Repeats:
    """The answers of the last hour, in memory only, to requests with small bodies.

    `history` tells which history of the database is current, None while nobody knows.
    """

    def __init__(self, clock: Clock, history: Callable[[], str | None], capacity: int = _CAPACITY) -> None:
        self._clock = clock
        self.history = history
        self._capacity = capacity
        self._entries: OrderedDict[Signature, tuple[datetime, str, Repeat]] = OrderedDict()

    def recall(self, signature: Signature) -> Repeat | None:
        """Return how this very request was answered lately, if it must still be answered so."""
        entry = self._entries.get(signature)
        if entry is None:
            return None
        since, history, repeat = entry
        current = self.history()
        if current is None:  # it may prove to be the same again
            return None
        now = self._clock.now()
        if history == current and since <= now < since + _AGE and (repeat.until is None or now <= repeat.until):
            return repeat
        del self._entries[signature]
        return None

    def keep(self, signature: Signature, repeat: Repeat, history: str | None) -> None:
        """Remember the answer to a request whose chain is committed, and not old.

        `history` is the one that was current before the chain was stored.
        """
        if history is None or len(repeat.document) > _LARGEST_ANSWER:
            return
        self._entries[signature] = self._clock.now(), history, repeat
        self._entries.move_to_end(signature)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)


def signature_of(caller: Caller, shape: type, decoder: Decoding, body: Chunks) -> Signature | None:
    """Return the signature of a request; None if nobody may place it, or its body is not small and so not at hand."""
    if caller.creator is None or not isinstance(body, bytes):
        return None
    return Signature(caller.creator, shape, decoder, sha256(body).digest())
