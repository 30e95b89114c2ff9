"""Reading a request body without freezing other requests and without holding it (api.md 1.6, steps 4 and 5)."""

import asyncio
import codecs
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterator
from functools import partial
from time import perf_counter
from typing import Any, Final, TypeAlias, TypeVar

from varsel.errors import VarselError
from varsel.intake.shapes.containers import ObjectReader
from varsel.intake.shapes.declaration import Shape, reader_of
from varsel.intake.shapes.exact import exact_reader
from varsel.intake.shapes.findings import Findings, Invalid, Unreadable, bodiless, required, unreadable
from varsel.intake.shapes.scalars import Problem
from varsel.intake.shapes.scanning import WINDOW, Window
from varsel.mechanisms.bounded_cache import cached_if_short

LARGEST_BODY: Final = 30_000_000
"""Bytes; a larger body is answered 413 (api.md 1.2)."""

BREATH: Final = 0.004
"""Seconds of uninterrupted work after which other requests get a turn."""

S = TypeVar("S", bound=Shape)
Chunks = AsyncIterable[bytes] | bytes
Decoding: TypeAlias = Callable[[], codecs.IncrementalDecoder]
"""How a body's bytes become text."""


class BodyTooLarge(VarselError):
    """The body is larger than the limit; answer 413."""


_charset = re.compile(r';\s*charset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)
# Bytes that are no text become halves of surrogate pairs, so that the member which holds them can be named.
_utf_8: Final = partial(codecs.getincrementaldecoder("utf-8"), errors="surrogateescape")
# The usual .NET client names UTF-16 and sends it little-endian without a byte order mark.
_utf_16: Final = codecs.getincrementaldecoder("utf-16-le")
_DECODERS: Final[dict[str, Decoding]] = {
    "utf-8": _utf_8,
    "utf-16": _utf_16,
    "utf-16le": _utf_16,
    "unicode": _utf_16,
    "utf-16be": codecs.getincrementaldecoder("utf-16-be"),
}
"""UTF-8 and UTF-16 by their names; any other charset is answered 415 (api.md 1.2)."""
_BYTE_ORDER_MARK: Final = "\ufeff"


@cached_if_short(entries=64, longest=200)
def decoder_for(content_type: str) -> Decoding | None:
    """Return the decoding of the charset named in a Content-Type header, or None if nobody knows it (answer 415)."""
    named = _charset.search(content_type)
    return _DECODERS.get(named.group(1).lower()) if named else _utf_8


async def read_and_check(
    shape: type[S],
    body: Chunks,
    parameter: str,
    context_of: Callable[[S], Any],
    decoder: Decoding | None = None,
    largest: int = LARGEST_BODY,
) -> S:
    """Read a body of `shape` and hold it to all rules (phases A and B), judged in `context_of` the value.

    A small body that is spelled plainly and is right is read in one go; the arguments and errors are those of
    `read_body`.
    """
    if isinstance(body, bytes) and len(body) <= largest and decoder in (None, _utf_8):
        plain = exact_reader(shape).read(body)
        if plain is not None and reader_of(shape).is_sound(plain, context_of(plain)):
            right: S = plain
            return right
    value = await read_body(shape, body, parameter, decoder, largest)
    await check(value, context_of(value))
    return value


async def read_body(
    shape: type[S],
    body: Chunks,
    parameter: str,
    decoder: Decoding | None = None,
    largest: int = LARGEST_BODY,
) -> S:
    """Read a body of `shape` (phase A: deserialization, then presence).

    `parameter` is the endpoint's parameter name, under which an unreadable body is reported as well; `decoder` comes
    from `decoder_for`, UTF-8 by default. Raises `Invalid`, and `BodyTooLarge` if there are more than `largest` bytes.
    """
    source = _Source(body, (decoder or _utf_8)(), largest)
    reader = reader_of(shape)
    try:
        value = await _walk(source, reader)
    except Unreadable as problem:
        # A client still sending would see its connection break instead of the answer.
        await source.drain()
        raise (unreadable(problem, parameter) if source.has_text else bodiless(parameter)) from None
    if value is None:
        raise bodiless(parameter)
    typed: S = value
    if reader.has_presence:
        await _raise_if_any(_as_problems(reader.missing(typed)))
    return typed


async def check(value: Shape, context: Any) -> None:
    """Judge a value by the rules of its shape (phase B). Raises `Invalid` with everything that is wrong."""
    await _raise_if_any(reader_of(type(value)).problems(value, context))


async def breathing(work: Generator[None, None, None]) -> None:
    """Do `work` to its end, giving others a turn every few milliseconds."""
    since = perf_counter()
    for _ in work:
        if perf_counter() - since > BREATH:
            await asyncio.sleep(0)
            since = perf_counter()


async def _raise_if_any(problems: Iterator[Problem | None]) -> None:
    findings = Findings()
    await breathing(_collect(problems, findings))
    if findings.errors:
        raise Invalid(findings.errors)


def _collect(problems: Iterator[Problem | None], findings: Findings) -> Generator[None, None, None]:
    for problem in problems:
        if problem is not None and not findings.add(problem[0].removeprefix("."), problem[1]):
            return
        yield


def _as_problems(keys: Iterator[str | None]) -> Iterator[Problem | None]:
    """Say of each key that its member must not be null or blank (phase A2)."""
    for key in keys:
        yield None if key is None else (key, required(key.rpartition(".")[2]))


async def _walk(source: "_Source", reader: ObjectReader) -> Any:
    window = Window(await source.text(WINDOW), ended=source.ended)
    walk = window.document(reader)
    since = perf_counter()
    while True:
        try:
            wanted = next(walk)
        except StopIteration as done:
            return done.value
        if wanted:
            window.feed(await source.text(wanted), ended=source.ended)
        if perf_counter() - since > BREATH:
            await asyncio.sleep(0)
            since = perf_counter()


class _Source:
    """The body as text, taken from the connection only as fast as it is read."""

    def __init__(self, body: Chunks, decoder: codecs.IncrementalDecoder, largest: int) -> None:
        self._body = body
        self._decoder = decoder
        self._largest = largest
        self._taken = 0
        self._chunks: AsyncIterator[memoryview | bytes] | None = None
        self.ended = False
        self.has_text = False

    async def text(self, wanted: int) -> str:
        """Return at least `wanted` characters, or all that are left."""
        pieces: list[str] = []
        while wanted > 0 and not self.ended:
            piece = self._decode(await self._next())
            pieces.append(piece)
            wanted -= len(piece)
        text = pieces[0] if len(pieces) == 1 else "".join(pieces)
        if not self.has_text:
            text = text.removeprefix(_BYTE_ORDER_MARK)
            self.has_text = bool(text)
        return text

    async def drain(self) -> None:
        """Read the rest of the body and forget it."""
        while not self.ended:
            await self._next()

    async def _next(self) -> memoryview | bytes:
        if self._chunks is None:
            if isinstance(self._body, bytes) and len(self._body) <= min(WINDOW, self._largest):
                self.ended = True
                return self._body
            self._chunks = _sliced(self._body)
        chunk = await anext(self._chunks, b"")
        self.ended = not chunk
        self._taken += len(chunk)
        if self._taken > self._largest:
            raise BodyTooLarge(f"the body is larger than {self._largest} bytes")
        return chunk

    def _decode(self, chunk: memoryview | bytes) -> str:
        try:
            return self._decoder.decode(chunk, final=self.ended)
        except UnicodeDecodeError:
            self.has_text = True
            raise Unreadable("The body is not text in the charset of its Content-Type.") from None


async def _sliced(body: Chunks) -> AsyncIterator[memoryview | bytes]:
    """Cut the body so that no single step works on more than a window of it."""
    if isinstance(body, bytes):
        for start in range(0, len(body), WINDOW):
            yield memoryview(body)[start : start + WINDOW]
        return
    async for chunk in body:
        for start in range(0, len(chunk), WINDOW):
            yield memoryview(chunk)[start : start + WINDOW]
