"""Reading an address that a caller chose. One parser serves the check and the call, so that they cannot differ."""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

import httpx

from varsel.errors import AddressRefused

IPAddress = IPv4Address | IPv6Address

_SCHEMES = frozenset({"http", "https"})
_LAST_PORT = 65_535
_LONGEST_NAME = 253  # RFC 1035, section 2.3.4
_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
_PARTS = re.compile(r"(?P<origin>[^/?#]*//[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NUMERIC_END = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
"""A last label that makes resolvers take the whole for an IPv4 address (WHATWG URL, "ends in a number")."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An http or https address. `host` is in lower case, ASCII, without final dot; `literal` is set if it is an IP.

    `creator` is on whose behalf it is fetched, None for nobody in particular.
    """

    url: httpx.URL = field(repr=False)
    host: str
    literal: IPAddress | None
    creator: str | None = None

    @property
    def origin(self) -> str:
        """Scheme and host: all of the address that may be shown, since path and query can hold secrets."""
        return f"{self.url.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}"

    @property
    def port(self) -> int:
        """The TCP port, the scheme's own if none is named."""
        return self.url.port or (443 if self.url.scheme == "https" else 80)


def read_destination(address: str, creator: str | None = None) -> Destination:
    """Read an absolute http or https address without user name and password. Raises `AddressRefused`.

    Callers may surround an address with blanks, and write `\\` for `/` and a `%` that begins no escape (api.md 1.3).
    """
    try:
        url = httpx.URL(_corrected(address))
    except (httpx.InvalidURL, ValueError):  # whose texts quote the address, so they are not passed on
        raise AddressRefused("The address cannot be read as a URL.") from None
    if url.scheme not in _SCHEMES:
        raise AddressRefused("The address is neither http nor https.")
    if url.userinfo:
        raise AddressRefused("The address holds a user name or password; leave them out.")
    if url.port is not None and not 0 < url.port <= _LAST_PORT:
        raise AddressRefused("The address names a port that does not exist.")
    host, literal = read_host(url.raw_host.decode("ascii"))
    return Destination(url, host, literal, creator)


def _corrected(address: str) -> str:
    """Return the address as .NET's `System.Uri` reads it. Scheme and authority stay as they are."""
    text = address.strip(" \t\r\n")
    parts = _PARTS.fullmatch(text)
    if parts is None:
        return text
    path, rest = parts["path"].replace("\\", "/"), parts["rest"].replace("\\", "%5C")
    return parts["origin"] + _STRAY_PERCENT.sub("%25", path + rest)


def read_host(written: str) -> tuple[str, IPAddress | None]:
    """Return an ASCII host in its plain form, and as an IP if it is one. Raises `AddressRefused`.

    Disguised forms of IPv4 (`2130706433`, `0177.0.0.1`, `0x7f.1`) are refused rather than interpreted.
    """
    host = written.lower().removesuffix(".")
    try:
        literal = ip_address(host)
    except ValueError:
        return _name(host), None
    if isinstance(literal, IPv6Address) and literal.scope_id is not None:
        raise AddressRefused("The address names a network interface of one machine.")
    return str(literal), literal


def _name(host: str) -> str:
    if len(host) > _LONGEST_NAME or not _NAME.fullmatch(host):
        raise AddressRefused("The address names no host that could exist.")
    if _NUMERIC_END.fullmatch(host.rpartition(".")[2]):
        raise AddressRefused("The address writes its host as a number; write a name, or an IP address in plain form.")
    return host
