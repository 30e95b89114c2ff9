"""JSON text to plain values, through a window so that no large body ever stands unpacked in memory (api.md 1.3).

A value that fits the window is scanned in one go by the standard library's C scanner. A larger object or array is
walked member by member; only a string grows the window. Scanned objects are tuples of (name, value) pairs in the order
written, arrays are lists, numbers keep their written form.
"""

import json
import re
from collections.abc import Generator
from typing import Any, Final, NoReturn, Protocol, cast

from varsel.intake.shapes.findings import Unreadable

WINDOW: Final = 32_768
"""Characters that are looked at together."""

DEEPEST: Final = 32
"""Containers may be nested this deep."""

_TOO_DEEP = f"The JSON is nested more than {DEEPEST} levels deep."

Walk = Generator[int, None, Any]
"""Reads on; yields the number of further characters it needs, or 0 when it merely lets others have a turn."""


class Number(str):
    """A JSON number as it was written; whoever expects a number judges it."""

    __slots__ = ()


class Walker(Protocol):
    """Makes a typed value of a scanned one, or of one that is too large to be scanned in one go."""

    def read(self, value: Any) -> Any:
        """Return the typed value of a scanned one. Raises `Unreadable`."""
        ...

    def walk(self, window: "Window") -> Walk:
        """Read the object or array at which the window stands. Raises `Unreadable`."""
        ...


def _refuse(constant: str) -> NoReturn:
    raise Unreadable(f"{constant} is not a JSON value.")


_decoder = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=Number, parse_float=Number, parse_constant=_refuse, strict=True
)
_space = re.compile(r"[ \t\n\r]*")
_INCOMPLETE: Final = object()
_FAULTY: Final = object()
_CONTAINERS: Final = (tuple, list)
_OPENING: Final = ("{", "[")
_TAIL = 12
"""A cut inside a literal, number or escape makes the scanner fail at most this far from the end of the window."""


class Window:
    """The part of the text that stands in memory, and the place in it."""

    def __init__(self, text: str = "", *, ended: bool = False) -> None:
        self._text = text
        self._ended = ended
        self._position = 0
        self._passed = 0
        self._depth = 0
        self._batchable = True

    def feed(self, text: str, *, ended: bool) -> None:
        """Let go of what was read and append `text`; `ended` says that nothing follows it."""
        self._passed += self._position
        self._text = self._text[self._position :] + text
        self._position = 0
        self._ended = ended
        self._batchable = True

    def document(self, walker: Walker) -> Walk:
        """Read the whole text as one value."""
        value = yield from self.value(walker)
        if (yield from self._peek()):
            raise self._malformed("nothing may follow the value")
        return value

    def value(self, walker: Walker) -> Walk:
        """Read the value before which the window stands."""
        first = yield from self._peek()
        while (scanned := self._scan(first)) is _INCOMPLETE or scanned is _FAULTY:
            ahead = len(self._text) - self._position
            if scanned is _FAULTY:
                return (yield from walker.walk(self))
            if ahead < WINDOW:
                yield WINDOW
            elif first in _OPENING:
                return (yield from walker.walk(self))
            else:
                yield ahead
        return walker.read(scanned)

    def batch(self) -> list[Any]:
        """Scan in one go the elements of an array that end within the window; none where that is not easily seen.

        Text cut behind a closing bracket and a comma is scanned as an array of its own. Should the cut lie inside an
        element the scan fails, and the caller goes on element by element.
        """
        end = self._last_boundary()
        if end <= self._position or not self._batchable:
            return []
        try:
            elements, stop = _decoder.raw_decode(f"[{self._text[self._position : end]}]")
            end = self._position + stop - 2
            self._refuse_depth(elements, end, within=1)
        except (json.JSONDecodeError, RecursionError, Unreadable):
            self._batchable = False
            return []
        self._position = end
        return cast("list[Any]", elements)

    def _last_boundary(self) -> int:
        """Return where the last element probably ends that ends within the window."""
        closed = max(self._text.rfind("},", self._position), self._text.rfind("],", self._position))
        return closed + 1 if closed >= 0 else self._text.rfind(",", self._position)

    def enter(self, opening: str) -> None:
        """Step over the bracket that opens a container."""
        if self._text[self._position] != opening:
            raise Unreadable("A JSON object is expected." if opening == "{" else "A JSON array is expected.")
        if self._depth == DEEPEST:
            raise Unreadable(_TOO_DEEP)
        self._depth += 1
        self._position += 1

    def more(self, closing: str, *, first: bool) -> Generator[int, None, bool]:
        """Go to the next member or element and tell whether there is one; otherwise step out of the container."""
        found = yield from self._peek()
        if found == closing:
            self._depth -= 1
            self._position += 1
            return False
        if not first:
            if found != ",":
                raise self._malformed(f"',' or '{closing}' is expected")
            self._position += 1
        return True

    def name(self) -> Generator[int, None, str]:
        """Read a member's name and the colon after it."""
        if (yield from self._peek()) != '"':
            raise self._malformed("a member name in double quotes is expected")
        name: str = yield from self.value(_AS_SCANNED)
        if (yield from self._peek()) != ":":
            raise self._malformed("':' is expected")
        self._position += 1
        return name

    def standing_at(self) -> str:
        """Return the character at which the window stands."""
        return self._text[self._position]

    def _peek(self) -> Generator[int, None, str]:
        """Skip whitespace and return the character found, or nothing at the end of the text."""
        while True:
            space = _space.match(self._text, self._position)
            self._position = space.end() if space else self._position
            if self._position < len(self._text):
                return self._text[self._position]
            if self._ended:
                return ""
            yield WINDOW

    def _scan(self, first: str) -> Any:
        """Return the value here, which begins with `first`, and step over it.

        `_INCOMPLETE` says that it may go on beyond the window. `_FAULTY` says that an object or array is not JSON
        somewhere within; whoever walks it finds what is wrong first, and on which path.
        """
        try:
            value, end = _decoder.raw_decode(self._text, self._position)
            self._refuse_depth(value, end, within=0)
        except json.JSONDecodeError as error:
            if self._may_go_on(error):
                return _INCOMPLETE
            if first in _OPENING:
                return _FAULTY
            raise self._malformed(error.msg, error.pos) from None
        except (RecursionError, Unreadable):
            if first in _OPENING:
                return _FAULTY
            raise
        if type(value) is Number and end == len(self._text) and not self._ended:
            return _INCOMPLETE
        self._position = end
        return value

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        near_end = error.pos > len(self._text) - _TAIL
        return not self._ended and (near_end or error.msg.startswith("Unterminated string"))

    def _refuse_depth(self, value: Any, end: int, *, within: int) -> None:
        """Refuse a value that is nested too deep; `within` of its levels are already counted."""
        brackets = self._text.count("{", self._position, end) + self._text.count("[", self._position, end)
        if brackets + self._depth > DEEPEST and _is_deeper(value, DEEPEST - self._depth + within):
            raise Unreadable(_TOO_DEEP)

    def _malformed(self, reason: str, position: int | None = None) -> Unreadable:
        at = self._passed + (self._position if position is None else position)
        return Unreadable(f"The body is not valid JSON: {reason}, at character {at}.")


def _is_deeper(value: Any, levels: int) -> bool:
    """Tell whether containers nest more than `levels` deep in a scanned value."""
    containers = [value] if type(value) in _CONTAINERS else []
    for _ in range(levels):
        containers = [child for container in containers if container for child in _containers_in(container)]
    return bool(containers)


def _containers_in(container: Any) -> list[Any]:
    children = container if type(container) is list else [item for _, item in container]
    return [child for child in children if type(child) in _CONTAINERS]


class Ignored:
    """Steps over a value nobody asked for, holding no more of it than the window."""

    def read(self, value: Any) -> Any:
        """Return the scanned value as it is."""
        return value

    def walk(self, window: Window) -> Walk:
        """Step over a large object or array."""
        opening = window.standing_at()
        closing = "}" if opening == "{" else "]"
        window.enter(opening)
        first = True
        while (yield from window.more(closing, first=first)):
            first = False
            if opening == "{":
                yield from window.name()
            if opening == "{" or not window.batch():
                yield from window.value(self)
            yield 0


IGNORED: Final = Ignored()
_AS_SCANNED: Final = IGNORED
