"""Absolute addresses as callers write them: their parts, and whether they are well formed (RFC 3986, sections 2 and 3).

Letters outside ASCII are accepted, as in an IRI (RFC 3987). Blanks, tabs and line ends around an address do not count.
What cannot be read as an authority is decided as .NET's `System.Uri` decides it, with one rule for all interfaces.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import Final

WEB_SCHEMES: Final = frozenset({"http", "https"})

_AROUND: Final = " \t\r\n"
_LAST_PORT: Final = 65_535
_LONGEST_HOST: Final = 256

_letter = r"[A-Za-z\xa0-\U0010ffff]"
_letter_or_digit = r"[A-Za-z0-9\xa0-\U0010ffff]"
_inner = r"[A-Za-z0-9_\-\xa0-\U0010ffff]"
# A name of labels of at most 63 characters; or one of longer labels, the first of which may begin with a hyphen or
# underscore but is not all digits.
_name = (
    rf"(?:{_letter_or_digit}{_inner}{{0,62}}(?:\.{_letter_or_digit}{_inner}{{0,62}})*"
    rf"|(?=[0-9]*(?:{_letter}|[-_])){_inner}+(?:\.{_letter_or_digit}{_inner}*)*)\.?"
)
_absolute = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:[^/?#@\\]*@)?"
    rf"(?P<host>\[(?P<version_6>[^\]/?#]+)\]|{_name})"
    r"(?::0*(?P<port>[0-9]{0,5}))?"
    r"(?![^/?#])"
    r"[^?#]*(?:\?(?P<query>[^#]*))?",
)
_web = re.compile(r"https?://", re.IGNORECASE)
_never_legal = re.compile(r"[\s<>\"{}|^`\x00-\x20\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An absolute address with a host. Scheme and host are in lower case, the query is as written, without `?`."""

    scheme: str
    host: str
    query: str


def read_web_address(text: str) -> WebAddress | None:
    """Take an absolute address apart; None if it is none, or its authority cannot be read."""
    match = _absolute.match(without_surroundings(text))
    if match is None or int(match["port"] or 0) > _LAST_PORT or not _is_possible_host(match):
        return None
    return WebAddress(match["scheme"].lower(), match["host"].lower(), match["query"] or "")


def without_surroundings(text: str) -> str:
    """Return an address without the blanks, tabs and line ends around it."""
    return text.strip(_AROUND)


def has_unreadable_authority(text: str) -> bool:
    """Tell whether `text` is an absolute http or https address whose authority cannot be read (api.md 1.3)."""
    return _web.match(without_surroundings(text)) is not None and read_web_address(text) is None


def is_well_formed(text: str) -> bool:
    """Tell whether `text` holds only what an address may hold; a stray `%` or `\\` counts as meant literally."""
    return _never_legal.search(without_surroundings(text)) is None


def _is_possible_host(match: re.Match[str]) -> bool:
    """Tell whether a name is not too long, and a bracketed host is an IP address of version 6."""
    if match["version_6"] is None:
        return len(match["host"]) <= _LONGEST_HOST
    try:
        IPv6Address(match["version_6"])
    except AddressValueError:
        return False
    return True
