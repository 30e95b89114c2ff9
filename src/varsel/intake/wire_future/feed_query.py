"""The query of the status feed (api.md 3.14)."""

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Final, NamedTuple, TypeVar

from varsel.intake.shapes import Invalid, Unreadable, rule
from varsel.intake.shapes.scalars import Choice, Integer
from varsel.mechanisms.white_space import is_blank, trimmed

LARGEST_PAGE: Final = 500
"""Entries in one answer, unless a setting says otherwise."""

T = TypeVar("T")


class OrderBy(IntEnum):
    """In which direction the feed is read."""

    asc = 0
    desc = 1


class FeedQuery(NamedTuple):
    """What part of the feed is wanted: at most `page_size` entries after `seq`, or before it if `descending`.

    Descending from 0 means from the newest.
    """

    seq: int = 0
    page_size: int = LARGEST_PAGE
    descending: bool = False


SEQUENCE: Final = Integer(64)
"""Reads a sequence number."""

_SIZE: Final = Integer()
_ORDER: Final = Choice(OrderBy)


def read_feed_query(pairs: Iterable[tuple[str, str]], largest_page: int = LARGEST_PAGE) -> FeedQuery:
    """Read a decoded query. Names match in any case, of repeated ones the first counts. Raises `Invalid`."""
    given: dict[str, str] = {}
    for name, value in pairs:
        given.setdefault(name.lower(), value)
    errors: dict[str, list[str]] = {}
    seq = _read(given, "Seq", _sequence, 0, errors)
    if is_blank(given.get("pagesize")):  # as good as absent, unlike the other two (api.md 3.14)
        given.pop("pagesize", None)
    page_size = _read(given, "PageSize", _SIZE.read, largest_page, errors)
    descending = _read(given, "OrderBy", _descending, False, errors)
    if errors:
        raise Invalid(errors)
    return FeedQuery(seq, min(max(page_size, 1), largest_page), descending)


def _read(given: dict[str, str], key: str, read: Callable[[str], T], default: T, errors: dict[str, list[str]]) -> T:
    try:
        return read(trimmed(given[key.lower()])) if key.lower() in given else default
    except Unreadable as problem:
        errors[key] = [problem.message]
        return default


@rule(minimum=0)
def not_negative(value: int, _context: object) -> str | None:
    """Demand a number that an entry may have, or 0."""
    return None if value >= 0 else "A sequence number is not negative."


def _sequence(text: str) -> int:
    number = SEQUENCE.read(text)
    if message := not_negative.broken(number, None):
        raise Unreadable(message)
    return number


def _descending(text: str) -> bool:
    return _ORDER.read(text) is OrderBy.desc
