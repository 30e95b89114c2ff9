"""Values that are made of something that may change, and made anew when it has."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")
_log = logging.getLogger(__name__)


class MadeAnew(Generic[S, T]):
    """What `make` makes of what `source` gives; the last good value where it raises ValueError for something new.

    `name` is what logs call the source, whose content they never show. Raises ValueError if the first is no good.
    """

    def __init__(self, name: str, source: Callable[[], S], make: Callable[[S], T]) -> None:
        self._name = name
        self._source = source
        self._make = make
        self._made_of = source()
        self._value = make(self._made_of)

    def __call__(self) -> T:
        """Return the value."""
        present = self._source()
        if present != self._made_of:
            self._made_of = present
            try:
                self._value = self._make(present)
            except ValueError as flaw:
                _log.warning("the new %s cannot be used and the old one stays in use: %s", self._name, flaw)
            else:
                _log.info("the new %s is in use", self._name)
        return self._value
