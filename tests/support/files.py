"""Attachments that were fetched, for tests of what is done with them then."""

import base64

from varsel.channels.base64_lines import Base64Lines
from varsel.channels.protocol import File


def file_of(filename: str, mime_type: str, content: bytes) -> File:
    """Return a file with this content."""
    encoded = Base64Lines()
    encoded.take(content)
    return File(filename, mime_type, encoded.finish(), encoded.size)


def content_of(file: File) -> bytes:
    """Return the content of a file."""
    return base64.b64decode(b"".join(file.base64))
