"""Reading Altinn's JSON: names in any letter case, nulls and missing members as absent, unknown ones ignored."""

from collections.abc import Collection, Iterable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
V = TypeVar("V")


class Unreadable(ValueError):
    """The answer is not JSON of the documented shape; the text names the place, never what stands there."""


def _squeezed(name: str) -> str:
    return name.replace("_", "")


class Shape(msgspec.Struct, frozen=True, rename=_squeezed, gc=False):
    """Base of the documented shapes: `party_id` stands for `partyId`. Every member may be missing or null."""


def read(body: bytes, shape: type[T]) -> T | None:
    """Read `body` as `shape`, or as null; raises `Unreadable`."""
    try:
        document = _lowered(msgspec.json.decode(body))
        return None if document is None else msgspec.convert(document, shape)
    except msgspec.ValidationError as flaw:
        raise Unreadable(f"it answered something of an undocumented shape ({flaw})") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("it answered something that is not JSON") from None


def matched(asked: Collection[str], answered: Iterable[tuple[str | None, V]]) -> dict[str, V]:
    """Key what was answered by the identifiers as asked; of several that differ in letter case the first counts."""
    first: dict[str, V] = {}
    for identifier, value in answered:
        if identifier:
            first.setdefault(identifier.casefold(), value)
    return {key: first[folded] for key in asked if (folded := key.casefold()) in first}


def _lowered(value: Any) -> Any:
    """Return the JSON value with all names in lower case."""
    if type(value) is dict:
        return {name.lower(): _lowered(part) for name, part in value.items()}
    if type(value) is list:
        return [_lowered(part) for part in value]
    return value
