"""Reading Altinn's JSON: names in any letter case, nulls and missing members as absent, unknown ones ignored.

An answer is a list of entries. One that is not as documented spoils nobody else's: it is read as `Odd`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import msgspec

_HOLDING = frozenset({dict, list})
E = TypeVar("E")
V = TypeVar("V")

Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""An id of Altinn's; what is larger is none, and could not be remembered."""

_NUL = b"\\u0000"
"""How JSON spells the one character that no text of the database can hold."""


class Unreadable(ValueError):
    """The answer is not JSON of the documented shape; the text names the place, never what stands there."""


class Nameless(ValueError):
    """An odd entry does not tell whom it is about; the text names the place, never what stands there."""


class Odd(NamedTuple):
    """In place of an entry that is not of the documented shape: whom it is about."""

    identifier: str


class Known(NamedTuple, Generic[V]):
    """What is known, by the identifiers as asked, and those of them whose entries are odd."""

    found: dict[str, V]
    odd: frozenset[str]


class Reading(NamedTuple, Generic[E]):
    """The entries of one answer, nulls left out, and what is wrong with the odd among them."""

    entries: list[E | Odd]
    flaws: list[str]


@dataclass(frozen=True, slots=True)
class Listing(Generic[E]):
    """How an answer lists its entries: in which member, of which shape, and by which members they tell whom they mean.

    Names are in lower case. Where no members tell, odd entries are passed over.
    """

    member: str
    shape: type[E]
    identifiers: tuple[str, ...] = ()


def _squeezed(name: str) -> str:
    return name.replace("_", "")


class Shape(msgspec.Struct, frozen=True, rename=_squeezed, gc=False):
    """Base of the documented shapes: `party_id` stands for `partyId`. Every member may be missing or null."""


def read(body: bytes, listing: Listing[E]) -> Reading[E] | None:
    """Read `body` as `listing` describes it; None where there is no list.

    Raises `Unreadable` when it is not as documented as a whole, `Nameless` when an odd entry may be anybody's.
    """
    listed = _listed(body, listing.member)
    if listed is None:
        return None
    if _NUL not in body:
        try:
            together = msgspec.convert(listed, list[listing.shape | None])  # type: ignore[name-defined]  # chosen at run time
            return Reading([entry for entry in together if entry is not None], [])
        except msgspec.ValidationError:
            pass  # now one by one
    return _one_by_one(listed, listing)


def matched(asked: Collection[str], answered: Iterable[tuple[str | None, V | Odd]]) -> Known[V]:
    """Key what was answered by the identifiers as asked; of several that differ in letter case the first counts."""
    first: dict[str, V | Odd] = {}
    for identifier, value in answered:
        if identifier:
            first.setdefault(identifier.casefold(), value)
    return told_apart({key: first[folded] for key in asked if (folded := key.casefold()) in first})


def told_apart(answered: dict[str, V | Odd]) -> Known[V]:
    """Tell what is known from what is odd."""
    found = {key: value for key, value in answered.items() if not isinstance(value, Odd)}
    return Known(found, frozenset(answered.keys() - found.keys()))


def _listed(body: bytes, member: str) -> list[Any] | None:
    try:
        document = msgspec.convert(_lowered(msgspec.json.decode(body)), dict[str, Any] | None) or {}
        return msgspec.convert(document.get(member), list[Any] | None)
    except msgspec.ValidationError as flaw:
        raise Unreadable(_undocumented(flaw)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("it answered something that is not JSON") from None


def _one_by_one(listed: list[Any], listing: Listing[E]) -> Reading[E]:
    """Read each entry by itself. When more than one is odd and none is not, the answer is of another shape."""
    reading: Reading[E] = Reading([], [])
    for entry in filter(None, listed):
        try:
            reading.entries.append(_single(entry, listing.shape))
        except msgspec.ValidationError as flaw:
            reading.flaws.append(str(flaw))
            reading.entries.extend(_odd(entry, listing.identifiers, flaw))
    if len(reading.flaws) > 1 and all(isinstance(entry, Odd) for entry in reading.entries):
        raise Unreadable(_undocumented(reading.flaws[0]))
    return reading


def _single(entry: Any, shape: type[E]) -> E:
    if _NUL in msgspec.json.encode(entry):
        raise msgspec.ValidationError("a text with a NUL character")
    return msgspec.convert(entry, shape)


def _odd(entry: Any, identifiers: Sequence[str], flaw: object) -> list[Odd]:
    """Tell whom an odd entry is about; one that names nobody is passed over, as it is when it is not odd."""
    if not identifiers:
        return []
    if not isinstance(entry, dict):
        raise Nameless(_undocumented(flaw))
    given = [entry[member] for member in identifiers if entry.get(member) is not None]
    if not all(isinstance(name, str) for name in given):
        raise Nameless(_undocumented(flaw))
    return [Odd(given[0])] if given else []


def _undocumented(flaw: object) -> str:
    return f"it answered something of an undocumented shape ({flaw})"


def _lowered(value: Any) -> Any:
    """Return the JSON value with all names in lower case. Most parts are plain texts, for which a call is saved."""
    if type(value) is dict:
        return {name.lower(): _lowered(part) if type(part) in _HOLDING else part for name, part in value.items()}
    if type(value) is list:
        return [_lowered(part) for part in value]
    return value
