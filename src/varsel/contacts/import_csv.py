"""Lines of a CSV file, whose columns the header line names (docs/contact-register.md)."""

import csv
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple

from varsel.contacts.import_entries import keys_of
from varsel.contacts.import_line import Line, Unusable, Whose
from varsel.errors import VarselError

_LARGEST_ID = 2**63 - 1
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TRUTHS = {"true": True, "false": False}


class ImportFileError(VarselError):
    """The file as a whole cannot be used; the sentence says what is expected."""


class _BadCell(Exception):
    """A cell does not hold what its column is for."""


def _text(cell: str) -> str:
    return cell


def _several(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split(";") if part and not part.isspace())


def _truth(cell: str) -> bool:
    value = _TRUTHS.get(cell.strip().lower())
    if value is None:
        raise _BadCell("expected true or false, or nothing for false")
    return value


def _whole(cell: str) -> int:
    text = cell.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST_ID)) and int(text) <= _LARGEST_ID):
        raise _BadCell("expected a whole number")
    return int(text)


def _day(cell: str) -> date:
    text = cell.strip()
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # no such day: told as any other wrong date
    raise _BadCell("expected a date such as 2026-05-31")


class _Column(NamedTuple):
    member: str
    field: str
    read: Callable[[str], object]


_IDENTIFIERS = [
    _Column("nationalIdentityNumber", "national_identity_number", _text),
    _Column("externalIdentity", "external_identity", _text),
    _Column("organizationNumber", "organization_number", _text),
]
_USER_ID = _Column("userId", "user_id", _whole)
_RESOURCES = _Column("resources", "resources", _several)
_COLUMNS = {
    column.member: column
    for column in (
        *_IDENTIFIERS,
        _USER_ID,
        _Column("name", "name", _text),
        _Column("email", "email", _text),
        _Column("mobileNumber", "mobile_number", _text),
        _Column("isReserved", "is_reserved", _truth),
        _Column("isStale", "is_stale", _truth),
        _Column("confirmed", "confirmed", _day),
        _Column("emails", "emails", _several),
        _Column("mobileNumbers", "mobile_numbers", _several),
        _RESOURCES,
    )
}


class CsvReader:
    """Reads the lines below a header line, cells divided by commas, or by semicolons where the header line is.

    Raises `ImportFileError` when the header line cannot be used.
    """

    def __init__(self, header: bytes) -> None:
        try:
            text = header.decode()
            self._divider = ";" if ";" in text and "," not in text else ","
            names = [cell.strip() for cell in self._cells(text)]
        except UnicodeDecodeError:
            raise ImportFileError("The header line is not text in UTF-8: save the file as UTF-8.") from None
        except Unusable as error:
            raise ImportFileError(f"The header line cannot be read: {error.reason}.") from None
        self._columns = _columns(names)

    def read(self, text: str) -> Line:
        """Return what a line says; raises `Unusable`."""
        cells = self._cells(text)
        if len(cells) != len(self._columns):
            raise Unusable(f"expected {len(self._columns)} cells, as in the header line, and found {len(cells)}")
        row = list(zip(self._columns, cells, strict=True))
        try:
            line = Line(**_values(row))
        except _BadCell as error:
            raise Unusable(str(error), _keys(row)) from None
        if line.user_id is not None and line.resources is None:
            raise Unusable("resources: expected resource ids divided by ;, or * for all of them", keys_of(line))
        return line

    def _cells(self, text: str) -> list[str]:
        if '"' not in text:
            return text.split(self._divider)
        try:
            return next(csv.reader([text], delimiter=self._divider, strict=True, skipinitialspace=True), [])
        except csv.Error:
            raise Unusable("expected quotation marks in pairs, around whole cells") from None


def _columns(names: Sequence[str]) -> list[_Column]:
    """Find the columns; wrong ones are named by their place, for without a header line they would be personal data."""
    for place, name in enumerate(names, start=1):
        if name not in _COLUMNS:
            raise ImportFileError(
                f"Column {place} of the header line is not one of {', '.join(_COLUMNS)}. The first line of a CSV file "
                "names its columns."
            )
        if name in names[: place - 1]:
            raise ImportFileError(f"The header line names the column {name} twice.")
    if not any(column.member in names for column in _IDENTIFIERS):
        identifiers = ", ".join(column.member for column in _IDENTIFIERS)
        raise ImportFileError(f"The header line names no column that tells whom a line is about: {identifiers}.")
    return [_COLUMNS[name] for name in names]


_Row = Sequence[tuple[_Column, str]]


def _values(row: _Row) -> dict[str, Any]:
    return {column.field: _value(column, cell) for column, cell in row if cell and not cell.isspace()}


def _value(column: _Column, cell: str) -> object:
    try:
        return column.read(cell)
    except _BadCell as error:
        raise _BadCell(f"{column.member}: {error}") from None


def _keys(row: _Row) -> tuple[str, ...]:
    """Tell whom a line is about whose other cells are wrong."""
    identifying = [(column, cell) for column, cell in row if column in (*_IDENTIFIERS, _USER_ID)]
    try:
        return keys_of(Whose(**_values(identifying)))
    except _BadCell:
        return ()
