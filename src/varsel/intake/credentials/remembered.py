"""Verified tokens, remembered so that a token presented again costs a look-up and not a signature check."""

from collections import OrderedDict
from typing import NamedTuple

from varsel.intake.credentials.jwk import KeySet
from varsel.intake.credentials.jws import Lifetime
from varsel.intake.credentials.keys import KeySource
from varsel.intake.credentials.policies import Caller


class _Entry(NamedTuple):
    caller: Caller
    lifetime: Lifetime
    source: KeySource
    keys: KeySet


class RememberedTokens:
    """The most recently used `capacity` tokens that were verified, in memory only. Refusals are never remembered."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, token: bytes, now: float) -> Caller | None:
        """Return the caller if the token holds at `now` and its source still stands by the keys it was checked with."""
        entry = self._entries.get(token)
        if entry is None:
            return None
        caller, (start, end), source, keys = entry
        if start <= now < end and source.vouches(keys, now):
            self._entries.move_to_end(token)
            return caller
        del self._entries[token]
        return None

    def keep(self, token: bytes, caller: Caller, lifetime: Lifetime, source: KeySource, keys: KeySet) -> None:
        """Remember a token that was just verified with `keys` of `source`."""
        self._entries[token] = _Entry(caller, lifetime, source, keys)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
