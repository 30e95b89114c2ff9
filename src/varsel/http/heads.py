"""Request heads (RFC 9112, sections 2 to 6): bytes in, what they say out.

Read strictly: what two readers could understand differently is refused, because a proxy in front may be the other one.
So folded lines, bare CR or LF, blanks before a colon, repeated lengths, and a length beside a transfer coding are all
answered 400 (RFC 9112, section 11.2).
"""

import re
from dataclasses import dataclass
from typing import Final

from varsel.http.limits import FIELDS, TARGET

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BARE_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")
_CONTROLS: Final = bytes(code for code in (*range(32), 127) if code != ord("\t"))
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_VERSIONS: Final = {b"HTTP/1.1": True, b"HTTP/1.0": False}

_names: dict[bytes, bytes] = {}
"""Field names seen before, as they were sent → in lower case; saves checking the same few names in every request."""
_MOST_NAMES: Final = 1_000
_LONGEST_NAME: Final = 64

_END: Final = b"\r\n\r\n"


class Refused(Exception):
    """The request cannot be read and is answered with `status`; its connection is closed."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(slots=True)
class Head:
    """What the head of a request says; field names are in lower case."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    is_1_1: bool
    """HTTP/1.1; otherwise HTTP/1.0, whose callers know neither chunks nor interim answers."""
    length: int | None = 0
    """Bytes of the body; None where it comes in chunks."""
    keep_alive: bool = True
    """Whether the caller may use the connection for another request."""
    expects_continue: bool = False
    """Whether the caller waits for `100 Continue` before it sends the body (RFC 9110, section 10.1.1)."""


def split_head(data: bytes, longest: int) -> tuple[bytes, int] | None:
    """Return the head at the start of `data` and where it ends, or None while it is unfinished.

    An empty line before it is skipped (RFC 9112, section 2.2). Raises `Refused` as soon as more bytes cannot help.
    """
    start = 2 if data.startswith(b"\r\n") else 0
    end = data.find(_END, start, start + longest + len(_END))
    if end >= 0:
        return data[start : end + 2], end + len(_END)
    if data.find(b"\r\n", start, start + TARGET + 64) < 0 and len(data) > start + TARGET + 64:
        raise Refused(414, "the request line is too long")
    if len(data) > start + longest:
        raise Refused(431, "the head is too long")
    if _BARE_LINE_FEED.search(data):
        raise Refused(400, "a line ends with a bare line feed")
    return None


def read_head(block: bytes) -> Head:
    """Read a head, its last line end included. Raises `Refused`."""
    lines = block.split(b"\r\n")
    line_ends = len(lines) - 1
    if len(block) - len(block.translate(None, _CONTROLS)) != 2 * line_ends:
        raise Refused(400, "the head holds a control character")
    head = _read_request_line(lines[0])
    if line_ends - 1 > FIELDS:
        raise Refused(431, "the head has too many fields")
    special: dict[bytes, list[bytes]] = {}
    for line in lines[1:line_ends]:
        given, colon, value = line.partition(b":")
        name = _names.get(given) or _checked_name(given)
        if not colon:
            raise Refused(400, "a header line has no colon")
        value = value.strip(b" \t")
        head.headers.append((name, value))
        if name in _SPECIAL:
            special.setdefault(name, []).append(value)
    _apply(special, head)
    return head


def _read_request_line(line: bytes) -> Head:
    parts = line.split(b" ")
    if len(parts) != 3 or not all(parts):
        raise Refused(400, "the request line does not have three parts")
    method, target, version = parts
    is_1_1 = _VERSIONS.get(version)
    if is_1_1 is None:
        raise Refused(505 if version.startswith(b"HTTP/") else 400, "the version is neither HTTP/1.1 nor HTTP/1.0")
    if len(target) > TARGET:
        raise Refused(414, "the target is too long")
    if not _TOKEN.fullmatch(method) or not target.isascii():
        raise Refused(400, "the request line holds a character that must not be there")
    if method == b"CONNECT":
        raise Refused(501, "tunnels are not offered")
    return Head(method.decode("ascii"), target, [], is_1_1, keep_alive=is_1_1)


def _checked_name(given: bytes) -> bytes:
    """Return a field name in lower case. Raises `Refused` for anything else, a folded line among it."""
    if not _TOKEN.fullmatch(given):
        raise Refused(400, "a header line does not begin with a name")
    name = given.lower()
    if len(_names) < _MOST_NAMES and len(given) <= _LONGEST_NAME:
        _names[given] = name
    return name


_SPECIAL: Final = frozenset({b"connection", b"content-length", b"expect", b"host", b"transfer-encoding"})


def _apply(special: dict[bytes, list[bytes]], head: Head) -> None:
    """Apply the fields that concern the message itself. `Upgrade` is not among them: a server may ignore it.

    Nothing but HTTP/1.1 is spoken here, so an upgrade is never wanted (RFC 9110, section 7.8).
    """
    hosts = special.get(b"host", ())
    if len(hosts) > 1 or (head.is_1_1 and not hosts):
        raise Refused(400, "the request does not name exactly one host")
    head.length = _body_length(special, is_1_1=head.is_1_1)
    if b"connection" in special:
        options = {option.strip(b" \t").lower() for value in special[b"connection"] for option in value.split(b",")}
        head.keep_alive = head.keep_alive and b"close" not in options
    if b"expect" in special:
        head.expects_continue = head.is_1_1 and special[b"expect"][-1].lower() == b"100-continue"


def _body_length(special: dict[bytes, list[bytes]], *, is_1_1: bool) -> int | None:
    """Return the bytes of the body, None where it comes in chunks (RFC 9112, section 6.3). Raises `Refused`."""
    lengths, codings = special.get(b"content-length"), special.get(b"transfer-encoding")
    if codings:
        if lengths or not is_1_1:
            raise Refused(400, "the length of the body can be understood in two ways")
        if len(codings) != 1 or codings[0].lower() != b"chunked":
            raise Refused(501, "the transfer coding is not `chunked` alone")
        return None
    if not lengths:
        return 0
    if len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Refused(400, "Content-Length is not one number")
    return int(lengths[0])
