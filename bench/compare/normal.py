"""Answers without what differs between any two services: ids, instants near now, trace ids, base addresses."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any, NamedTuple

from bench.compare.exchange import Answer, Refused

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_BASE = re.compile(r"https?://[^/\s\"]+(?=/)")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_NEAR = timedelta(minutes=10)
_HEADERS = ("content-type", "location", "allow", "www-authenticate", "retry-after")
"""Header fields that callers act on."""
_ABSENT = "(absent)"


class Difference(NamedTuple):
    """One place where two answers differ: where, and both values."""

    where: str
    left: Any
    right: Any


class Normal:
    """Makes the answers of one side comparable. Ids are numbered in the order in which a case meets them."""

    def __init__(self, address: str, now: datetime) -> None:
        self._address = address
        self._now = now
        self._ids: dict[str, str] = {}

    def of(self, answer: Answer | Refused) -> dict[str, Any]:
        """Return an answer as one value to compare."""
        if isinstance(answer, Refused):
            return {"refused": answer.reason}
        headers = {name: self._text(answer.headers[name]) for name in _HEADERS if name in answer.headers}
        return {"status": answer.status, "headers": headers, "body": self._value(answer.body)}

    def _value(self, value: Any) -> Any:
        match value:
            case dict():
                return {name: "(trace)" if name == "traceId" else self._value(each) for name, each in value.items()}
            case list():
                return [self._value(each) for each in value]
            case str():
                return self._text(value)
        return value

    def _text(self, text: str) -> str:
        text = text.replace(self._address, "(base)")
        if "/notifications/api/" in text:
            text = _BASE.sub("(base)", text, count=1)
        text = _ID.sub(self._numbered, text)
        return _INSTANT.sub(self._near, text)

    def _numbered(self, found: re.Match[str]) -> str:
        return self._ids.setdefault(found[0].lower(), f"(id {len(self._ids) + 1})")

    def _near(self, found: re.Match[str]) -> str:
        try:
            instant = datetime.fromisoformat(found[0])
        except ValueError:
            return found[0]
        return "(now)" if abs(instant.astimezone(UTC) - self._now) < _NEAR else found[0]


def differences(left: Any, right: Any, where: str = "") -> Iterator[Difference]:
    """Yield every place where two values differ; places are written as JSON pointers (RFC 6901)."""
    match left, right:
        case dict(), dict():
            for name in sorted(left.keys() | right.keys()):
                yield from differences(left.get(name, _ABSENT), right.get(name, _ABSENT), f"{where}/{name}")
        case list(), list():
            for number, (one, other) in enumerate(zip_longest(left, right, fillvalue=_ABSENT)):
                yield from differences(one, other, f"{where}/{number}")
        case _ if left != right or type(left) is not type(right):
            yield Difference(where, left, right)
