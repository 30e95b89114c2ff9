"""Absolute addresses as callers write them: their parts, and whether they are well formed (RFC 3986, sections 2 and 3).

Letters outside ASCII are accepted, as in an IRI (RFC 3987).
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import Final

_LAST_PORT: Final = 65_535

_absolute = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:[^/?#@\\\s]*@)?"
    r"(?P<host>\[(?P<version_6>[0-9A-Fa-f:.]+)\]|[\w-]{1,63}(?:\.[\w-]{1,63})*\.?)"
    r"(?::(?P<port>[0-9]{0,5}))?"
    r"(?:/[^?#\x00-\x1f\x7f]*)?"
    r"(?:\?(?P<query>[^#\x00-\x1f\x7f]*))?"
    r"(?:#[^\x00-\x1f\x7f]*)?"
)
_legal = r"[^\s<>\"{}|\\^`%\x00-\x20\x7f-\x9f]*"
_well_formed = re.compile(rf"{_legal}(?:%[0-9A-Fa-f]{{2}}{_legal})*")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An absolute address with a host. Scheme and host are in lower case, the query is as written, without `?`."""

    scheme: str
    host: str
    query: str


def read_web_address(text: str) -> WebAddress | None:
    """Take an absolute address apart; None if it is none."""
    match = _absolute.fullmatch(text)
    if match is None or int(match["port"] or 0) > _LAST_PORT or not _is_version_6(match["version_6"]):
        return None
    return WebAddress(match["scheme"].lower(), match["host"].lower(), match["query"] or "")


def is_well_formed(text: str) -> bool:
    """Tell whether `text` holds only what an address may hold, every `%` with its two hexadecimal digits."""
    return _well_formed.fullmatch(text) is not None


def _is_version_6(text: str | None) -> bool:
    """Tell whether a bracketed host, if there is one, is an IP address of version 6."""
    if text is None:
        return True
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
