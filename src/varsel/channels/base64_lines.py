"""Base64 as mail carries it (RFC 2045 section 6.8): in lines, and written from content that comes piece by piece."""

import base64

PIECE = 57 * 1024
"""Octets encoded at a time: whole lines, made in about a millisecond."""


def lines_of(octets: bytes | bytearray) -> bytes:
    """Return `octets` in lines of 76 characters, each ended by CRLF."""
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


class Base64Lines:
    """Encodes content while it arrives, so that a file is never held as it is but only as it is sent.

    `size` counts what was taken, in octets.
    """

    def __init__(self) -> None:
        self.size = 0
        self._rest = bytearray()
        self._pieces: list[bytes] = []

    def take(self, chunk: bytes) -> None:
        """Take the next of the content."""
        self.size += len(chunk)
        self._rest += chunk
        while len(self._rest) >= PIECE:
            self._pieces.append(lines_of(self._rest[:PIECE]))
            del self._rest[:PIECE]

    def finish(self) -> tuple[bytes, ...]:
        """Return all of it, in pieces that each end with a line; nothing can be taken any more."""
        if self._rest:
            self._pieces.append(lines_of(self._rest))
        return tuple(self._pieces)
