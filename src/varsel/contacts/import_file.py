"""Reads import files of the contact register line by line: CSV with a header line, or JSON lines.

Every line is judged by itself, so that one bad line costs nothing but itself (docs/contact-register.md).
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import BinaryIO, TypeAlias

import msgspec

from varsel.contacts.import_csv import CsvReader, ImportFileError
from varsel.contacts.import_entries import entries_of, keys_of
from varsel.contacts.import_line import Line, Unusable, Whose
from varsel.model.register import ListedLine, RefusedLine

__all__ = ["LONGEST_LINE", "FileFormat", "ImportFileError", "ReadLine", "lines_of", "read_lines"]

LONGEST_LINE = 64 * 1024
"""Bytes of a line; longer ones are refused, so that a file without line ends cannot fill the memory."""

_READ_AT_ONCE = LONGEST_LINE + len("\r\n")
_UNKNOWN_NAME = re.compile(r"unknown field `(?![A-Za-z]{1,40}`(?: - at |$)).*`", re.DOTALL)

ReadLine: TypeAlias = ListedLine | RefusedLine


class FileFormat(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSON_LINES = "jsonl"


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Give the lines of `file` without their ends; of an overlong one only a beginning, which is still too long."""
    while line := file.readline(_READ_AT_ONCE):
        rest = line
        while len(rest) == _READ_AT_ONCE and not rest.endswith(b"\n"):
            rest = file.readline(_READ_AT_ONCE)
        yield line.rstrip(b"\r\n")


def read_lines(lines: Iterable[bytes], file_format: FileFormat) -> Iterator[ReadLine]:
    """Give what each line says, or why it cannot be used; blank lines are passed over.

    Raises `ImportFileError`, before anything is given, when the header line of a CSV file cannot be used.
    """
    numbered = enumerate(_without_mark(lines), start=1)
    if file_format is FileFormat.JSON_LINES:
        return _read_each(numbered, _read_json)
    return _read_each(numbered, CsvReader(next(numbered, (1, b""))[1]).read)


def _without_mark(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Take off the byte order mark that some programs begin UTF-8 files with."""
    for at, line in enumerate(lines):
        yield line if at else line.removeprefix(codecs.BOM_UTF8)


def _read_each(numbered: Iterable[tuple[int, bytes]], read: Callable[[str], Line]) -> Iterator[ReadLine]:
    for number, raw in numbered:
        if raw and not raw.isspace():
            yield _read_one(number, raw, read)


def _read_one(number: int, raw: bytes, read: Callable[[str], Line]) -> ReadLine:
    if len(raw) > LONGEST_LINE:
        return RefusedLine(number, f"expected at most {LONGEST_LINE} bytes in a line")
    try:
        line = read(raw.decode())
    except UnicodeDecodeError:
        return RefusedLine(number, "expected text in UTF-8")
    except Unusable as error:
        return RefusedLine(number, error.reason, error.keys)
    try:
        return ListedLine(number, entries_of(line))
    except Unusable as error:
        return RefusedLine(number, error.reason, keys_of(line))


_line = msgspec.json.Decoder(Line)
_whose = msgspec.json.Decoder(Whose)


def _read_json(text: str) -> Line:
    try:
        return _line.decode(text)
    except msgspec.ValidationError as error:
        raise Unusable(_without_values(str(error)), _keys_in_json(text)) from None
    except msgspec.DecodeError:
        raise Unusable("expected one JSON object in the line") from None


def _without_values(reason: str) -> str:
    """Leave out a member's name that does not look like one: it may be a value that lost its member."""
    return _UNKNOWN_NAME.sub("a member of unknown name", reason)


def _keys_in_json(text: str) -> tuple[str, ...]:
    try:
        return keys_of(_whose.decode(text))
    except msgspec.DecodeError:
        return ()
