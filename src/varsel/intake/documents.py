"""Response documents: how they are declared, and how they become bytes (api.md 1.4).

Nulls are left out, empty arrays and strings are written, everything is indented, non-ASCII stays as it is.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

JSON_CONTENT_TYPE: Final = "application/json; charset=utf-8"
"""Content type of every JSON response, problem documents included (api.md 1.2)."""

_encoder = msgspec.json.Encoder()
_INDENT: Final = 2


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of all response documents. A member with the default None is left out when it is None."""


def write_json(value: Any) -> bytes:
    """Write a document as indented JSON."""
    return msgspec.json.format(_encoder.encode(value), indent=_INDENT)


class StreamedDocument:
    """A document with one array too long to be held: head, then batches of elements, then tail.

    `document` carries an empty array as `member`. What is known only after the array, such as its length, is told to
    `tail_with`. `level` is the depth at which the document itself stands inside another::

        order_list = StreamedDocument(OrderListHead(orders=()), "orders")
        order = StreamedDocument(first_order, "recipients", level=order_list.inner_level)
        yield order_list.head + order_list.separator() + order.head
        async for batch in recipients:
            yield order.write(batch)
        yield order.tail …
        yield order_list.tail_with(OrderListEnd(count=1))
    """

    def __init__(self, document: Document, member: str, level: int = 0) -> None:
        written = _shifted(write_json(document), level)
        # A line break cannot stand inside a JSON string, so this is found at the document's own level only.
        margin = b"\n" + b" " * (_INDENT * (level + 1))
        before, found, after = written.partition(margin + _encoder.encode(member) + b": []")
        if not found:
            raise ValueError(f"the document has no empty array '{member}' to be streamed into")
        self.head = before + found[:-1]
        self.inner_level = level + 2
        self._level = level
        self._margin = margin
        self._after = after
        self._count = 0

    @property
    def tail(self) -> bytes:
        """The end of the document, to be asked for after the last element."""
        return self._end_of_array + self._after

    def tail_with(self, more: Document) -> bytes:
        """Return the tail with the members of `more` added: what is known only after the last element."""
        return self._end_of_array + b"," + _shifted(write_json(more)[1:-2], self._level) + self._after

    @property
    def _end_of_array(self) -> bytes:
        return (self._margin if self._count else b"") + b"]"

    def write(self, batch: Sequence[Document]) -> bytes:
        """Return the bytes of some further elements."""
        if not batch:
            return b""
        elements = _shifted(write_json(batch)[1:-2], self.inner_level - 1)
        comma = b"," if self._count else b""
        self._count += len(batch)
        return comma + elements

    def separator(self) -> bytes:
        """Return what precedes an element that is itself written piece by piece."""
        comma = b"," if self._count else b""
        self._count += 1
        return comma + b"\n" + b" " * (_INDENT * self.inner_level)


def _shifted(written: bytes, level: int) -> bytes:
    return written.replace(b"\n", b"\n" + b" " * (_INDENT * level)) if level else written
