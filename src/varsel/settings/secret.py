"""Values that must not be seen."""

from collections.abc import Callable
from typing import final


@final
class Secret:
    """A password or address with a password. Printing, formatting or logging it shows `<secret>`.

    With `present`, which gives the value as it is at present, it follows the file it was read from.
    """

    __slots__ = ("_present", "_value")

    def __init__(self, value: str, present: Callable[[], str] | None = None) -> None:
        self._value = value
        self._present = present

    def reveal(self) -> str:
        """Return the value as it is at present, for the one place that hands it to a server or compares it."""
        return self._present() if self._present else self._value

    def __repr__(self) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)
