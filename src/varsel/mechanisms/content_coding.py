"""Undoing an HTTP content coding (RFC 9110, section 8.4) piece by piece, whatever it expands to."""

import zlib
from collections.abc import Iterator

PIECE = 65_536
"""Bytes that are expanded at a time; who takes the pieces counts them and stops when they are too many."""
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_IDENTITY = frozenset({"", "identity"})
_INFLATED = frozenset({"gzip", "x-gzip", "deflate"})


class Malformed(ValueError):
    """The content is not what its coding promises, or the coding is not known."""


class Decoder:
    """Gives content as it is."""

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        """Give the content of the next chunk, in pieces. Raises `Malformed`."""
        yield chunk

    def finish(self) -> None:
        """Say that nothing follows. Raises `Malformed` if something is missing."""


class Inflater(Decoder):
    """Undoes gzip (several members too) and zlib, never holding more than a chunk and a piece."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._begun = False

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        """Give the content of the next chunk, in pieces of `PIECE` bytes at most. Raises `Malformed`."""
        rest = chunk
        while rest:
            if self._stream.eof:
                rest = rest.lstrip(b"\0")  # padding between and after members is tolerated, as by gzip itself
                if not rest:
                    return
                self._stream, self._begun = zlib.decompressobj(_GZIP_OR_ZLIB), False
            piece, rest = self._inflated(rest)
            if piece:
                yield piece

    def finish(self) -> None:
        """Say that nothing follows. Raises `Malformed` if a member has not ended; no content at all is none."""
        if self._begun and not self._stream.eof:
            raise Malformed("the compressed content has no end")

    def _inflated(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the next piece and what is left of the data."""
        self._begun = True
        try:
            piece = self._stream.decompress(data, PIECE)
        except zlib.error:
            raise Malformed("the content is not compressed as it says") from None
        return piece, self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail


def decoder_of(content_encoding: str) -> Decoder:
    """Return what undoes the coding a Content-Encoding header names. Raises `Malformed` for one that is not known."""
    named = content_encoding.strip(" \t").lower()
    if named in _IDENTITY:
        return Decoder()
    if named in _INFLATED:
        return Inflater()
    raise Malformed("the content is compressed in a way that is not known")
