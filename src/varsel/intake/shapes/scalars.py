"""Readers of single values (api.md 1.3). Messages never repeat what the caller sent."""

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final, NewType
from uuid import UUID

from varsel.intake.shapes.findings import Unreadable
from varsel.intake.shapes.named import Enumeration, References
from varsel.intake.shapes.scanning import Number, Walk, Window
from varsel.intake.times import Moment, read_moment
from varsel.intake.web_addresses import has_unreadable_authority
from varsel.mechanisms.white_space import trimmed

UriText = NewType("UriText", str)
"""A URI reference as it was written; what makes it acceptable is left to the rules (api.md 1.3)."""

Problem = tuple[str, str]
"""A key relative to the value (`.Member`, `[index]`, or nothing for the value itself) and a message."""


class Reader:
    """Knows everything about one kind of value: how it is read, judged and described."""

    expected = "A value"
    passes_null = False
    """Whether null is left to the presence phase (NN) instead of being a deserialization error (NN `$...`)."""
    has_presence = False
    """Whether `missing` can find anything."""
    has_rules = False
    """Whether `problems` can find anything."""
    can_be_unsound = False
    """Whether either of them can find anything in what the exact reader made."""
    refuses_blank = False
    """Whether a mandatory member must say something (M strings), and not merely be there."""

    def read(self, value: Any) -> Any:
        """Return the typed value of a scanned one. Raises `Unreadable`."""
        raise NotImplementedError

    def walk(self, _window: Window) -> Walk:
        """Read a container too large for the window; only objects and arrays accept one."""
        raise Unreadable(f"{self.expected} is expected.")

    def missing(self, _value: Any) -> Iterator[str | None]:
        """Yield the keys below the value that must not be null or blank but are (phase A2), and None as `problems`."""
        return iter(())

    def problems(self, _value: Any, _context: Any) -> Iterator[Problem | None]:
        """Yield the broken rules at and below the value (phase B), and None to let others have a turn."""
        return iter(())

    def is_sound(self, _value: Any, _context: Any) -> bool:
        """Tell whether neither `missing` nor `problems` finds anything in a small value that was read exactly."""
        return True

    def schema(self, references: References) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        raise NotImplementedError


class OrNull(Reader):
    """A scalar for which null is as good as absent."""

    def __init__(self, inner: Reader) -> None:
        self._inner = inner
        self.expected = inner.expected

    def read(self, value: Any) -> Any:
        """Return None for null, otherwise what the scalar's own reader says."""
        return None if value is None else self._inner.read(value)

    def schema(self, references: References) -> dict[str, Any]:
        """Return the scalar's schema; the member says that null is allowed."""
        return self._inner.schema(references)


_surrogate = re.compile("[\ud800-\udfff]")


def refuse_broken_name(name: str) -> None:
    """Refuse the name of an unknown member if it is no text; the names of known members are. Raises `Unreadable`."""
    if not name.isascii() and _surrogate.search(name):
        raise Unreadable("The body is not valid JSON: a member name holds half of a surrogate pair, or is no text.")


class Text(Reader):
    """A string, without what PostgreSQL cannot store. Bytes that are no text have been read as halves of pairs."""

    expected = "A string"
    passes_null = True
    refuses_blank = True

    def read(self, value: Any) -> str | None:
        """Accept JSON strings only."""
        if type(value) is str:
            if "\0" in value or not (value.isascii() or _surrogate.search(value) is None):
                raise Unreadable(
                    "The text holds the character U+0000, half of a surrogate pair, or bytes that are no text."
                )
            return value
        if value is None:
            return None
        raise Unreadable("A string is expected.")

    def schema(self, _references: References) -> dict[str, Any]:
        """Say that it is a string."""
        return {"type": "string"}


class Uri(Text):
    """A URI reference, absolute or relative, kept as written."""

    expected = "A URI reference"
    refuses_blank = False
    longest: Final = 65_519
    """Characters the present service can read as a URI; the limit also bounds what a rule must look at."""

    def read(self, value: Any) -> str | None:
        """Accept any text up to the limit, but for a web address whose host and port cannot be read."""
        text = super().read(value)
        if text is not None and len(text) > self.longest:
            raise Unreadable(f"A URI reference of at most {self.longest} characters is expected.")
        if text is not None and has_unreadable_authority(text):
            raise Unreadable("The host or port of the address cannot be read.")
        return text

    def schema(self, _references: References) -> dict[str, Any]:
        """Say that it is a URI reference."""
        return {"type": "string", "format": "uri-reference"}


class Boolean(Reader):
    """`true` or `false`, nothing else."""

    expected = "true or false"

    def read(self, value: Any) -> bool:
        """Accept the two literals."""
        if value is True or value is False:
            return bool(value)
        raise Unreadable("true or false is expected.")

    def schema(self, _references: References) -> dict[str, Any]:
        """Say that it is a boolean."""
        return {"type": "boolean"}


_integer = re.compile(r"[+-]?[0-9]{1,40}")


def _as_integer(value: Any) -> int | None:
    """Return the integer a number or string holds, or None."""
    if (type(value) is Number or type(value) is str) and _integer.fullmatch(value):
        return int(value)
    return None


class Integer(Reader):
    """A whole number within `bits` bits, as a number or as a string holding one."""

    expected = "An integer"

    def __init__(self, bits: int = 32) -> None:
        self._least, self._greatest = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        self._format = f"int{bits}"

    def read(self, value: Any) -> int:
        """Accept integers in range."""
        number = _as_integer(value)
        if number is None or not self._least <= number <= self._greatest:
            raise Unreadable(f"An integer from {self._least} to {self._greatest} is expected.")
        return number

    def schema(self, _references: References) -> dict[str, Any]:
        """Say that it is an integer of so many bits."""
        return {"type": "integer", "format": self._format}


class Choice(Reader):
    """A member of an enumeration: by name in any case, by integer, or by a string holding the integer."""

    def __init__(self, options: type[IntEnum]) -> None:
        self._described = Enumeration.of(options)
        self._by_name: dict[str, IntEnum] = {option.name.lower(): option for option in options}
        self._by_number: dict[int, IntEnum] = {option.value: option for option in options}
        self.expected = f"One of {', '.join(self._described.values)}"

    def read(self, value: Any) -> IntEnum:
        """Accept defined values only (api.md 5, item 30)."""
        option = self._by_name.get(trimmed(value).lower()) if type(value) is str else None
        if option is None:
            number = _as_integer(trimmed(value) if type(value) is str else value)
            option = None if number is None else self._by_number.get(number)
        if option is None:
            raise Unreadable(f"{self.expected} is expected.")
        return option

    def schema(self, references: References) -> dict[str, Any]:
        """Refer to the names."""
        return self._described.schema(references)


class Undefined(int):
    """An integer that the enumeration does not define."""

    __slots__ = ()


class OpenChoice(Reader):
    """A member of an enumeration, or an undefined integer, which is read and then breaks a rule (api.md 5, item 30)."""

    has_rules = True

    def __init__(self, options: type[IntEnum]) -> None:
        self._defined = Choice(options)
        self._integer = Integer()
        self.expected = self._defined.expected

    def read(self, value: Any) -> IntEnum | Undefined:
        """Accept what `Choice` accepts, and any other integer."""
        try:
            return self._defined.read(value)
        except Unreadable as problem:
            try:
                return Undefined(self._integer.read(trimmed(value) if type(value) is str else value))
            except Unreadable:
                raise problem from None

    def problems(self, value: Any, _context: Any) -> Iterator[Problem | None]:
        """Refuse an undefined integer."""
        if type(value) is Undefined:
            yield "", f"{self.expected} is expected."

    def schema(self, references: References) -> dict[str, Any]:
        """Refer to the names."""
        return self._defined.schema(references)


class DateTime(Reader):
    """A date or date-time (api.md 1.5)."""

    expected = "An ISO 8601 date-time such as 2026-05-04T09:30:00Z"

    def read(self, value: Any) -> Moment:
        """Accept the forms of api.md 1.5, with or without a zone."""
        moment = read_moment(value) if type(value) is str else None
        if moment is None:
            raise Unreadable(f"{self.expected} is expected.")
        return moment

    def schema(self, _references: References) -> dict[str, Any]:
        """Say that it is a date-time."""
        return {"type": "string", "format": "date-time"}


_hyphenated_guid = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_loose_guid = re.compile(
    rf"[0-9A-Fa-f]{{32}}|{_hyphenated_guid.pattern}|\{{{_hyphenated_guid.pattern}\}}|\({_hyphenated_guid.pattern}\)"
)


class Guid(Reader):
    """A GUID in its hyphenated form."""

    expected = "A hyphenated GUID"

    def read(self, value: Any) -> UUID:
        """Accept the 36-character form only."""
        if type(value) is not str or not _hyphenated_guid.fullmatch(value):
            raise Unreadable(f"{self.expected} is expected.")
        return UUID(value)

    def schema(self, _references: References) -> dict[str, Any]:
        """Say that it is a GUID."""
        return {"type": "string", "format": "uuid"}


def read_loose_guid(text: str) -> UUID | None:
    """Read a GUID of a path, which may also lack hyphens or stand in braces or parentheses; None if it is none."""
    return UUID(text.strip("{}()")) if _loose_guid.fullmatch(text) else None
