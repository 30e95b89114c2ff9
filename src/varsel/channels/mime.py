"""Internet messages (RFC 5322, MIME) as bytes: what many recipients share is built once, the rest per recipient.

Everything returned has CRLF line ends, lines of at most 998 octets and no control characters in headers. Nothing here
fails on strange input: what cannot be written as it is, is encoded or replaced.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from hashlib import blake2b
from urllib.parse import quote

from varsel.channels.base64_lines import lines_of
from varsel.channels.html_text import html_to_text
from varsel.channels.protocol import File
from varsel.mechanisms.bounded_cache import SizedCache
from varsel.model.orders import ContentType

MAX_LINE = 998
"""Octets in a line without its CRLF (RFC 5322 section 2.1.1)."""

_SOFT_LINE = 76
_WORD_OCTETS = 42  # 42 octets are 56 of Base64: with `=?utf-8?B?` and `?=` within the 75 of RFC 2047 section 2
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_BLANK_TOO_FAR = re.compile(rb"^(.{74,75})(=20|=09)$", re.MULTILINE)
_UNPRINTABLE = bytes({*range(32), 127} - {9, 10})
_MIME_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,127}")


Pieces = Sequence[bytes]
"""A message or an entity in pieces: never joined, because attachments are large."""


@dataclass(frozen=True, slots=True)
class Template:
    """A message that lacks only its recipient, identity and date. `entity` is its text with the headers of that."""

    opening: bytes
    headers: bytes
    entity: bytes

    def addressed(self, to: str, message_id: str, date: bytes, files: Sequence[File] = ()) -> Pieces:
        """Return the whole message for `to`; `message_id` without angle brackets, `date` from `date_header`.

        `files` follow the text in a multipart/mixed.
        """
        head = b"%bTo: %b\r\nMessage-ID: <%b>\r\nDate: %b\r\n%b" % (
            self.opening,
            to.encode(),
            message_id.encode(),
            date,
            self.headers,
        )
        if not files:
            return (head + self.entity,)
        return (head, *_multipart(b"mixed", [self.entity], [attachment(file) for file in files]))


class Templates:
    """The templates used last, so that an order's text is encoded once and not once per recipient.

    `kept` is how many at most, and `size` how many bytes together. `finish` is applied once to the text that all
    recipients share; it must leave headers as they are.
    """

    def __init__(
        self,
        *,
        html_alone: bool = False,
        kept: int = 64,
        size: int = 64_000_000,
        finish: Callable[[bytes], bytes] = lambda content: content,
    ) -> None:
        def build(sender: str, subject: str, body: str, kind: ContentType, eight_bit: bool) -> Template:
            raw = template(sender, subject, body, kind, eight_bit=eight_bit, html_alone=html_alone)
            return replace(raw, entity=finish(raw.entity))

        self._build = build
        self._kept = SizedCache[Template](entries=kept, size=size, size_of=_size_with_text)

    def of(self, sender: str, subject: str, body: str, kind: ContentType, *, eight_bit: bool) -> Template:
        """Return the template for this text, built now or earlier; `eight_bit` as for `template`."""
        key = sender, subject, body, kind, eight_bit
        return self._kept.get(key, lambda: self._build(*key))


def _size_with_text(ready: Template) -> int:
    """Estimate the memory of a template and of the text it was built from, which is about as long."""
    return 2 * (len(ready.entity) + len(ready.headers))


def template(
    sender: str,
    subject: str,
    body: str,
    kind: ContentType,
    *,
    eight_bit: bool,
    html_alone: bool = False,
) -> Template:
    """Build a message for anybody.

    `sender` is a checked address. `eight_bit` allows octets above 127 in the body (RFC 6152). HTML travels with a
    generated plain alternative unless `html_alone`.
    """
    entity = _content(body, kind, eight_bit=eight_bit, html_alone=html_alone)
    return Template(
        opening=b"From: %b\r\n" % sender.encode(),
        headers=b"Subject: %b\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n"
        % encode_header(subject, len("Subject: ")),
        entity=entity if entity.endswith(b"\r\n") else entity + b"\r\n",
    )


def attachment(file: File) -> Pieces:
    """Return a file as a MIME entity.

    No line begins with a dot or a hyphen: none needs its dot doubled (RFC 5321 section 4.5.2), none is a boundary.
    """
    media = file.mime_type.strip().lower()
    # message/* and multipart/* may not be sent in Base64 (RFC 2045 section 6.4).
    if not _MIME_TYPE.fullmatch(media) or media.startswith(("message/", "multipart/")):
        media = "application/octet-stream"
    headers = b"Content-Type: %b\r\nContent-Disposition: attachment%b\r\nContent-Transfer-Encoding: base64\r\n\r\n" % (
        media.encode(),
        _filename(file.filename),
    )
    return (headers, *file.base64)


def date_header(instant: datetime) -> bytes:
    """Return `instant` as the value of a Date header."""
    return format_datetime(instant).encode("ascii")


def encode_header(text: str, indent: int) -> bytes:
    """Return `text` as an unstructured header value, folded, `indent` being the length of the header's name part.

    Control characters and line ends become blanks, so that no value can start another header.
    """
    clean = _CONTROLS.sub(" ", text).strip()
    if clean.isascii() and "=?" not in clean and "  " not in clean:
        folded = _fold(clean, indent)
        if folded is not None:
            return folded.encode("ascii")
    return b"\r\n ".join(_encoded_words(clean, indent))


def _fold(text: str, indent: int) -> str | None:
    lines = [""]
    room = _SOFT_LINE - indent
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
            room = _SOFT_LINE - 1
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
        if len(lines[-1]) > room:
            return None
    return "\r\n ".join(lines)


def _encoded_words(text: str, indent: int) -> list[bytes]:
    """Split `text` into encoded words that each end between two characters (RFC 2047 section 5)."""
    words = []
    chunk = b""
    room = _WORD_OCTETS - indent  # the first line also carries the header's name
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > room:
            words.append(chunk)
            chunk, room = b"", _WORD_OCTETS
        chunk += octets
    words.append(chunk)
    return [b"=?utf-8?B?%b?=" % base64.b64encode(word) for word in words]


def _content(body: str, kind: ContentType, *, eight_bit: bool, html_alone: bool) -> bytes:
    if kind is not ContentType.Html:
        return _text(body, b"plain", eight_bit=eight_bit)
    html = _text(body, b"html", eight_bit=eight_bit)
    if html_alone:
        return html
    plain = _text(html_to_text(body), b"plain", eight_bit=eight_bit)
    return b"".join(_multipart(b"alternative", [plain, html]))


def _text(text: str, subtype: bytes, *, eight_bit: bool) -> bytes:
    encoding, body = _encode_text(text, eight_bit=eight_bit)
    return b"Content-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (
        subtype,
        encoding,
        body,
    )


def _encode_text(text: str, *, eight_bit: bool) -> tuple[bytes, bytes]:
    octets = text.encode("utf-8", "replace").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    ascii_only = octets.isascii()
    if (ascii_only or eight_bit) and _fits_lines(octets) and len(octets.translate(None, _UNPRINTABLE)) == len(octets):
        return (b"7bit" if ascii_only else b"8bit"), octets.replace(b"\n", b"\r\n")
    quoted = _quoted_printable(octets).replace(b"\n", b"\r\n")
    packed_size = len(octets) * 4 // 3
    if len(quoted) <= packed_size * 1.25:  # readable in the raw where it costs little
        return b"quoted-printable", quoted
    return b"base64", lines_of(octets.replace(b"\n", b"\r\n"))


def _quoted_printable(octets: bytes) -> bytes:
    """Encode lines that end with LF; none is longer than 76 characters (RFC 2045 section 6.7, rule 5).

    `b2a_qp` counts a blank at the end of a line as one character, and then writes it as three.
    """
    return _BLANK_TOO_FAR.sub(rb"\1=\n\2", binascii.b2a_qp(octets))


def _fits_lines(octets: bytes) -> bool:
    return len(octets) <= MAX_LINE or max(map(len, octets.split(b"\n"))) <= MAX_LINE


def _multipart(subtype: bytes, texts: Sequence[bytes], enclosed: Sequence[Pieces] = ()) -> Pieces:
    # Drawn from the texts, which therefore cannot contain it; the same text always gives the same message.
    digest = blake2b(digest_size=16)
    for text in texts:
        digest.update(text)
    boundary = f"=_{digest.hexdigest()}".encode()
    pieces = [b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (subtype, boundary)]
    for part in (*([text] for text in texts), *enclosed):
        pieces += (b"--%b\r\n" % boundary, *part, b"\r\n")
    return [*pieces, b"--%b--\r\n" % boundary]


def _filename(name: str) -> bytes:
    clean = _CONTROLS.sub(" ", name).strip() or "attachment"
    if clean.isascii() and len(clean) <= 50 and not re.search(r'["\\%]', clean):
        return f';\r\n filename="{clean}"'.encode()
    value = quote(clean.encode("utf-8", "replace"), safe="")
    pieces: list[str] = re.findall(r"(?:%..|[^%]){1,50}", value)
    if len(pieces) == 1 and len(value) <= 55:
        return f";\r\n filename*=utf-8''{value}".encode()
    # Continuations, RFC 2231 section 4.1: every piece keeps whole percent triplets.
    return "".join(
        f";\r\n filename*{index}*={'' if index else chr(39).join(('utf-8', '', ''))}{piece}"
        for index, piece in enumerate(pieces)
    ).encode()
