"""The kinds of values a setting can have: how each is written, read and explained.

A kind's `parse` raises `ValueError` with words that complete the sentence "VARSEL_X ...", and never repeats the value:
the reader shows it where it is no secret.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from varsel.settings.secret import Secret

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One way of writing values; `written` describes it. An empty text counts as not set unless `empty_counts`."""

    written: str
    parse: Callable[[str], T]
    empty_counts: bool = False
    secret: bool = False


def text(written: str = "text") -> Kind[str]:
    """Any text that is not empty."""
    return Kind(written, str)


def text_or_nothing(written: str = "text, may be empty") -> Kind[str]:
    """Any text, where the empty one has a meaning of its own."""
    return Kind(written, str, empty_counts=True)


def whole(lowest: int, highest: int, unit: str = "") -> Kind[int]:
    """A whole number within bounds, both included."""
    wanted = f"whole number {lowest} to {highest}{' ' + unit if unit else ''}"

    def parse(value: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", value) or not lowest <= int(value) <= highest:
            raise ValueError(f"must be a {wanted}")
        return int(value)

    return Kind(wanted, parse)


def rate(lowest: float, highest: float, unit: str) -> Kind[float]:
    """A number of something per second, with up to three decimals; bounds are included."""
    wanted = f"number {lowest:g} to {highest:g} of {unit} per second"

    def parse(value: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,3})?", value) or not lowest <= float(value) <= highest:
            raise ValueError(f"must be a {wanted}")
        return float(value)

    return Kind(wanted, parse)


_YES_NO = {
    **dict.fromkeys(("yes", "true", "on", "1"), True),
    **dict.fromkeys(("no", "false", "off", "0"), False),
}


def yes_no() -> Kind[bool]:
    """Yes or no, also as true/false, on/off, 1/0."""

    def parse(value: str) -> bool:
        try:
            return _YES_NO[value.lower()]
        except KeyError:
            raise ValueError("must be yes or no (also true/false, on/off, 1/0)") from None

    return Kind("yes or no", parse)


_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, None: 1}


def duration(lowest: str = "0s", highest: str = "3650d") -> Kind[timedelta]:
    """A length of time: a number with ms, s, m, h or d; a bare number counts seconds. Bounds are included."""
    bounds = _duration(lowest), _duration(highest)

    def parse(value: str) -> timedelta:
        length = _duration(value)
        if not bounds[0] <= length <= bounds[1]:
            raise ValueError(f"must be between {lowest} and {highest}")
        return length

    return Kind(f"duration {lowest} to {highest}", parse)


def _duration(value: str) -> timedelta:
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ValueError("must be a duration such as 200ms, 30s, 5m, 24h or 90d")
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


_SIZE = re.compile(r"([0-9]{1,15})(B|kB|MB|GB|KiB|MiB|GiB)?")
_BYTES = {None: 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def size(lowest: str, highest: str) -> Kind[int]:
    """A number of bytes, with or without a unit."""
    bounds = _size(lowest), _size(highest)

    def parse(value: str) -> int:
        count = _size(value)
        if not bounds[0] <= count <= bounds[1]:
            raise ValueError(f"must be between {lowest} and {highest}")
        return count

    return Kind(f"size {lowest} to {highest}", parse)


def _size(value: str) -> int:
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError("must be a size such as 500000, 64kB, 30MB or 1GiB")
    return int(match[1]) * _BYTES[match[2]]


def path() -> Kind[Path]:
    """A file or folder; `~` and relative paths are made absolute."""
    return Kind("path", lambda value: Path(value).expanduser().absolute())


def choice(words: type[Word]) -> Kind[Word]:
    """One word of an enumeration."""
    wanted = ", ".join(f"`{word}`" for word in words)

    def parse(value: str) -> Word:
        try:
            return words(value)
        except ValueError:
            raise ValueError(f"must be one of {wanted.replace('`', '')}") from None

    return Kind(f"one of {wanted}", parse)


def several(words: type[Word]) -> Kind[frozenset[Word]]:
    """One or more words of an enumeration, divided by commas."""
    one = choice(words)
    wanted = one.written.replace("one of", "one or more of") + ", divided by commas"

    def parse(value: str) -> frozenset[Word]:
        chosen = frozenset(map(one.parse, items(value)))
        if not chosen:
            raise ValueError(f"must name {wanted.replace('`', '')}")
        return chosen

    return Kind(wanted, parse)


def ranked(words: type[Word]) -> Kind[tuple[Word, ...]]:
    """One or more words of an enumeration, the first ones first, divided by commas."""
    one = choice(words)
    wanted = one.written.replace("one of", "one or more of") + " in order, divided by commas"

    def parse(value: str) -> tuple[Word, ...]:
        chosen = tuple(map(one.parse, items(value)))
        if not chosen or len(set(chosen)) < len(chosen):
            raise ValueError(f"must name {wanted.replace('`', '')}, each at most once")
        return chosen

    return Kind(wanted, parse)


def series(of: Kind[T], example: str) -> Kind[tuple[T, ...]]:
    """One or more values of a kind in order, divided by commas."""

    def parse(value: str) -> tuple[T, ...]:
        parsed = tuple(map(of.parse, items(value)))
        if not parsed:
            raise ValueError(f"must be a list such as {example}")
        return parsed

    return Kind(f"list of {of.written}, divided by commas", parse)


def items(value: str) -> list[str]:
    """Return the items of a text divided by commas, without the empty ones."""
    return [item.strip() for item in value.split(",") if item.strip()]


def optional(of: Kind[T], nothing: str = "") -> Kind[T | None]:
    """A value of a kind, or None, which is written as the word `nothing` (by default as nothing at all)."""

    def parse(value: str) -> T | None:
        if value == nothing:
            return None
        try:
            return of.parse(value)
        except ValueError as error:
            raise ValueError(f"{error}, or {nothing or 'empty'}") from None

    written = f"{of.written}, or {f'`{nothing}`' if nothing else 'empty'}"
    return Kind(written, parse, empty_counts=not nothing or of.empty_counts, secret=of.secret)


def secret(of: Kind[str]) -> Kind[Secret]:
    """A text that is kept out of sight; it can also be given as a file."""
    return Kind(f"{of.written}, secret", lambda value: Secret(of.parse(value)), secret=True)


def time_zone() -> Kind[ZoneInfo]:
    """A time zone by its name in the IANA database."""

    def parse(value: str) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (KeyError, ValueError, OSError):  # unknown, malformed, or a folder of the database
            raise ValueError("must be the name of a time zone such as Europe/Oslo") from None

    return Kind("time zone name", parse)
