"""Kinds of settings that are header fields of outgoing calls."""

import re
from collections.abc import Mapping

from varsel.settings.kinds import Kind

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_OURS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
"""What Varsel writes itself, and what would change where a request ends."""


def header_name() -> Kind[str]:
    """The name of a header field that Varsel does not write itself."""

    def parse(value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("must be the name of a header field such as X-Api-Key")
        if value.lower() in _OURS:
            raise ValueError("must be a header field that Varsel does not write itself")
        return value

    return Kind("name of a header field", parse)


def header_value() -> Kind[str]:
    """What can stand in a header field, in plain ASCII."""

    def parse(value: str) -> str:
        if not _VALUE.fullmatch(value):
            raise ValueError("must be one line of ASCII letters, digits, signs and blanks")
        return value

    return Kind("one line of ASCII", parse)


def header_lines() -> Kind[str]:
    """Header fields, one a line; `header_fields` reads them."""

    def parse(value: str) -> str:
        try:
            header_fields(value)
        except ValueError:
            raise ValueError(
                "must be header fields such as `X-Api-Key: word`, one a line, each once, and none that Varsel writes "
                "itself"
            ) from None
        return value

    return Kind("header fields as `name: value`, one a line", parse)


def header_fields(lines: str) -> Mapping[str, str]:
    """Return the header fields written one a line. Raises ValueError if they could not be sent so."""
    fields: dict[str, str] = {}
    for line in filter(str.strip, lines.splitlines()):
        name, _, value = line.partition(":")
        if name.strip().lower() in map(str.lower, fields):
            raise ValueError("a header field is given twice")
        fields[_NAMED.parse(name.strip())] = _WRITTEN.parse(value.strip())
    return fields


_NAMED, _WRITTEN = header_name(), header_value()
