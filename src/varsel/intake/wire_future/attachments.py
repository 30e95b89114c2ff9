"""Attachments of composed e-mails: file names, allowed types, and pre-signed addresses (api.md 3.10)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated, Final
from urllib.parse import parse_qsl

from varsel.intake.loose_times import read_loose_moment
from varsel.intake.shapes import UriText, member, rule
from varsel.intake.times import Moment
from varsel.intake.web_addresses import WebAddress, read_web_address
from varsel.intake.wire_future.foundation import Circumstances, FutureShape
from varsel.mechanisms.white_space import is_blank

VALID_AFTER_SEND_TIME: Final = timedelta(minutes=15)
"""How long after the requested send time an attachment must still be accessible, so that there is time to fetch it."""

MIME_TYPES: Final = (
    "application/epub+zip",
    "application/gzip",
    "application/json",
    "application/msword",
    "application/ogg",
    "application/onenote",
    "application/pdf",
    "application/rtf",
    "application/vnd.ms-excel",
    "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
    "application/vnd.ms-excel.sheet.macroEnabled.12",
    "application/vnd.ms-fontobject",
    "application/vnd.ms-outlook",
    "application/vnd.ms-powerpoint",
    "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
    "application/vnd.ms-powerpoint.slideshow.macroEnabled.12",
    "application/vnd.ms-publisher",
    "application/vnd.ms-word.document.macroEnabled.12",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.visio",
    "application/x-7z-compressed",
    "application/x-rar-compressed",
    "application/x-tar",
    "application/xml",
    "application/zip",
    "audio/aac",
    "audio/midi",
    "audio/mpeg",
    "audio/ogg",
    "audio/opus",
    "audio/wav",
    "audio/webm",
    "audio/x-ms-wma",
    "font/otf",
    "font/ttf",
    "font/woff",
    "font/woff2",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/svg+xml",
    "image/tiff",
    "image/vnd.microsoft.icon",
    "image/webp",
    "text/calendar",
    "text/csv",
    "text/plain",
    "text/xml",
    "video/3gpp",
    "video/3gpp2",
    "video/mp4",
    "video/mpeg",
    "video/ogg",
    "video/webm",
    "video/x-ms-wmv",
    "video/x-msvideo",
)
_ALLOWED: Final = frozenset(name.lower() for name in MIME_TYPES)
# Not an enumeration: generated clients turn its values into identifiers, and some send those.
_TYPE_DESCRIPTION: Final = (
    f"The file's type, in any letter case. One of {', '.join(f'`{name}`' for name in MIME_TYPES)}."
)

_MOST_PARAMETERS: Final = 100
"""Query parameters of an address; a signature has some fifteen."""


@rule(pattern=r"^[^/\\]*\.[^/\\.]+$")
def file_name(value: str, _told: object) -> str | None:
    """Demand a name without a path, and an extension."""
    extension = value.rpartition(".")[2] if "." in value else ""
    if extension and "/" not in value and "\\" not in value:
        return None
    return "The file name must have an extension and must not hold a slash or backslash."


@rule()
def allowed_type(value: str, _told: object) -> str | None:
    """Demand one of the allowed types."""
    return None if value.lower() in _ALLOWED else "Files of this type cannot be attached."


class AttachmentRequest(FutureShape, frozen=True, kw_only=True):
    """A file that is fetched when the e-mail is sent."""

    filename: Annotated[str, member("The file's name, with extension.", file_name)]
    mime_type: Annotated[str, member(_TYPE_DESCRIPTION, allowed_type)]
    sas_url: Annotated[
        UriText,
        member("Where it is fetched: a pre-signed https address of one blob, valid 15 minutes beyond the send time."),
    ]

    def judge(self, told: Circumstances) -> Iterator[tuple[str, str]]:
        """Demand an address that will let us read the file when the e-mail is sent."""
        address = read_web_address(self.sas_url)
        signed = _signed_members(address) if address else {}
        expiry = read_loose_moment(signed.get("se", ""), told.now)
        for message in _address_problems(address, signed, expiry, told.attachment_hosts):
            yield "sas_url", message
        if expiry is not None and _expires_too_soon(expiry, told.send_time):
            yield "", "The attachment's address must stay valid for at least 15 minutes after the requested send time."


def _signed_members(address: WebAddress) -> Mapping[str, str]:
    """Return the query's parameters by their names in lower case; values of repeated ones are joined by commas."""
    try:
        pairs = parse_qsl(address.query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:  # more than any signature has
        return {}
    found: dict[str, str] = {}
    for written, value in pairs:
        name = written.lower()
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _address_problems(
    address: WebAddress | None, signed: Mapping[str, str], expiry: Moment | None, hosts: Sequence[str]
) -> Iterator[str]:
    """Yield what is wrong with an attachment's address, going no further than the first line that fails."""
    if address is None or not _is_secure(address):
        yield "The attachment's address must be an absolute https address."
    elif not address.host.endswith(_endings(hosts)) and address.host not in hosts:
        yield "The attachment's address leads to a host that is not allowed."
    elif any(is_blank(signed.get(name)) for name in ("se", "sp", "sig")) or signed.get("sr", "").lower() != "b":
        yield "The attachment's address must carry a signature for one blob: se, sp, sig, and sr=b."
    else:
        if expiry is None:
            yield "The expiry (se) of the attachment's address must be a date-time such as 2026-05-05T12:00:00Z."
        if "r" not in signed["sp"]:
            yield "The signature of the attachment's address must allow reading (sp=r)."


def _endings(hosts: Sequence[str]) -> tuple[str, ...]:
    return tuple(host for host in hosts if host.startswith("."))


def _is_secure(address: WebAddress) -> bool:
    """Tell whether an address uses https; http will do on this machine itself."""
    return address.scheme == "https" or (address.scheme == "http" and _is_this_machine(address.host))


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _expires_too_soon(expiry: Moment, send_time: Moment) -> bool:
    left = expiry.utc - send_time.utc
    return (left, expiry.tenth) < (VALID_AFTER_SEND_TIME, send_time.tenth)
