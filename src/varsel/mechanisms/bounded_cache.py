"""Caches that stay small whatever they are asked: `lru_cache` bounds how many entries it holds, but not their size."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache, update_wrapper
from typing import Generic, TypeVar

K = TypeVar("K", str, bytes)
V = TypeVar("V")


def cached_if_short(*, entries: int, longest: int) -> Callable[[Callable[[K], V]], Callable[[K], V]]:
    """Cache a pure function of one text, the `entries` used last, for texts of up to `longest` letters or bytes."""

    def decorate(function: Callable[[K], V]) -> Callable[[K], V]:
        cached = lru_cache(maxsize=entries)(function)

        def of(text: K) -> V:
            return cached(text) if len(text) <= longest else function(text)

        return update_wrapper(of, function)

    return decorate


class SizedCache(Generic[V]):
    """The `entries` values used last, at most `size` together by what `size_of` says of key and value.

    A value that is larger by itself is kept alone, until the next one: it is likely to be asked for again at once.
    """

    def __init__(self, *, entries: int, size: int, size_of: Callable[[V], int]) -> None:
        self._most = entries
        self._size = size
        self._size_of = size_of
        self._taken = 0
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the value of `key`, made now or earlier."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = make()
        self._taken += self._size_of(value)
        while len(self._values) > 1 and (self._taken > self._size or len(self._values) > self._most):
            _, oldest = self._values.popitem(last=False)
            self._taken -= self._size_of(oldest)
        return value
