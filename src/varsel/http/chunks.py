"""Chunked bodies (RFC 9112, section 7.1): bytes in, content out. Extensions and trailers are read and dropped."""

import re
from typing import Final

from varsel.http.heads import Refused

_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;([^\x00-\x08\x0a-\x1f\x7f]*))?")
_TRAILER: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\x00-\x08\x0a-\x1f\x7f]*")

_LONGEST_LINE: Final = 1_024
_MOST_EXTENSIONS: Final = 8_192
"""Bytes of all extensions of a body."""
_MOST_TRAILERS: Final = 8_192
"""Bytes of all trailers of a body."""
_MOST_SMALL_CHUNKS: Final = 16_384
_SMALL: Final = 32
"""Each chunk costs the same however little it holds: beyond so many chunks, they must hold so many bytes on average."""

_LINE_END: Final = b"\r\n"


class ChunkedBody:
    """Reads one body. `done` tells that its last byte, and that of its trailers, was read."""

    __slots__ = ("_chunks", "_extensions", "_in_trailers", "_missing", "_size", "_trailers", "done")

    def __init__(self) -> None:
        self.done = False
        self._missing = 0  # bytes of the present chunk, with the line end after it
        self._in_trailers = False
        self._chunks = 0
        self._size = 0
        self._extensions = 0
        self._trailers = 0

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the content in `data`, and the bytes after it: of an unfinished line, or of the next request.

        Raises `Refused` for what is no chunk, and for extensions, trailers or chunks without end.
        """
        content: list[bytes] = []
        position = 0
        while not self.done:
            if self._missing:
                position = self._take_chunk(data, position, content)
                if self._missing:
                    break
            else:
                end = data.find(_LINE_END, position, position + _LONGEST_LINE + len(_LINE_END))
                if end < 0:
                    _hold_unfinished(data, position)
                    break
                announced = self._take_line(data[position:end])
                position = end + len(_LINE_END)
                line_end = position + announced - len(_LINE_END)
                if announced and data.startswith(_LINE_END, line_end):  # a whole chunk, as most are
                    content.append(data[position:line_end])
                    position = line_end + len(_LINE_END)
                else:
                    self._missing = announced
        return b"".join(content), data[position:]

    def _take_chunk(self, data: bytes, position: int, content: list[bytes]) -> int:
        """Take what there is of the present chunk and of the line end after it; return where it ends in `data`."""
        of_content = max(0, self._missing - len(_LINE_END))
        piece = data[position : position + of_content]
        if piece:
            content.append(piece)
            self._missing -= len(piece)
            position += len(piece)
        if 0 < self._missing <= len(_LINE_END):
            wanted = _LINE_END[-self._missing :]
            given = data[position : position + self._missing]
            if not wanted.startswith(given):
                raise Refused(400, "a chunk is longer than announced")
            self._missing -= len(given)
            position += len(given)
        return position

    def _take_line(self, line: bytes) -> int:
        """Take a line, and return how many bytes of a chunk follow it, with the line end after it."""
        if self._in_trailers:
            self._take_trailer(line)
            return 0
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            raise Refused(400, "a chunk does not begin with its size")
        size = int(match[1], 16)
        self._in_trailers = size == 0
        self._bound(size, len(match[2] or b""))
        return size + len(_LINE_END) if size else 0

    def _bound(self, size: int, extension: int) -> None:
        self._chunks += 1
        self._size += size
        self._extensions += extension
        if self._extensions > _MOST_EXTENSIONS:
            raise Refused(400, "the extensions of the chunks are too long")
        if self._chunks > _MOST_SMALL_CHUNKS and self._size < self._chunks * _SMALL:
            raise Refused(400, "the chunks are too small")

    def _take_trailer(self, line: bytes) -> None:
        if not line:
            self.done = True
            return
        self._trailers += len(line)
        if self._trailers > _MOST_TRAILERS:
            raise Refused(431, "the trailers are too long")
        if not _TRAILER.fullmatch(line):
            raise Refused(400, "a trailer is no header field")


def _hold_unfinished(data: bytes, position: int) -> None:
    """Let an unfinished line wait for its rest. Raises `Refused` where it is too long, or has a bare line feed."""
    if len(data) - position > _LONGEST_LINE + 1:
        raise Refused(400, "a line between chunks is too long")
    if b"\n" in data[position:]:
        raise Refused(400, "a line between chunks ends with a bare line feed")
