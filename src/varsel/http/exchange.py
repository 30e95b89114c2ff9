"""One request and its answer, as an ASGI application sees them (specification 2.4)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final, Protocol

from varsel.http.heads import Head

_log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
"""An ASGI event; its type is left as wide as ASGI itself has it."""


Application = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application; the types of its parameters are any framework's own."""


class CallerGone(OSError):
    """The caller went away before the answer was complete."""


class Line(Protocol):
    """What an exchange asks of its connection."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    async def written(self) -> None:
        """Wait until the caller has read enough of what was written."""

    def want_body(self) -> None:
        """Go on reading: the application waits for the body."""

    def may_go_on(self) -> bool:
        """Whether the connection can be used for another request after this one."""

    def answered(self, *, keep: bool) -> None:
        """Take note that the answer is complete."""

    def abort(self) -> None:
        """End the connection: what was sent is no complete answer."""

    def common(self) -> tuple[bytes, int]:
        """Return header lines that every answer has, and how many."""

    def kept_open(self) -> bytes:
        """Return the header lines that announce how long the connection is kept."""


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


STATUS_LINES: Final = {status: _status_line(status) for status in range(100, 600)}

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE: Final = b"connection: close\r\n"
_CHUNKED: Final = b"transfer-encoding: chunked\r\n"
_WITHOUT_BODY: Final = frozenset({204, 304})


class Exchange:
    """One request and its answer."""

    __slots__ = (
        "_bodiless",
        "_body",
        "_chunked",
        "_ended",
        "_keep",
        "_line",
        "_more",
        "_remaining",
        "_start",
        "_waiter",
        "complete",
        "gone",
        "head",
        "started",
    )

    def __init__(self, line: Line, head: Head) -> None:
        self._line = line
        self.head = head
        self._body = b""
        self._more = True  # more of the body is to come
        self._ended = False  # the application was given the whole body
        self._waiter: asyncio.Future[None] | None = None
        self._start: bytes | None = None
        self._keep = False
        self._bodiless = head.method == "HEAD"
        self._chunked = False
        self._remaining: int | None = None
        self.started = False
        self.complete = False
        self.gone = False

    @property
    def waits_for_body(self) -> bool:
        """Whether the application waits for more of the body."""
        return self._waiter is not None and self._more

    @property
    def held(self) -> int:
        """Bytes of the body that the application has not asked for yet."""
        return len(self._body)

    def arrived(self, content: bytes, *, last: bool) -> None:
        """Take more of the body."""
        if not self.complete:
            self._body = self._body + content if self._body else content
        self._more = not last
        self._wake()

    def leave(self) -> None:
        """Take note that nobody waits for the answer any more."""
        self.gone = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def run(self, app: Application, scope: Message) -> None:
        """Have the request answered, with 500 where the application fails."""
        try:
            await app(scope, self.receive, self.send)
        except asyncio.CancelledError:
            self._line.abort()
            raise
        except Exception as error:  # noqa: BLE001 - the last resort: the caller must get an answer
            if not (self.gone or _is_departure(error)):
                _log.exception("the application failed")
                await self._fail()
        else:
            if not (self.complete or self.gone):
                _log.error("the application ended without a complete answer")
                await self._fail()

    async def _fail(self) -> None:
        if self.started or self.gone:
            self._line.abort()
            return
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body"})

    async def receive(self) -> Message:
        """Return the next piece of the body, or after its end wait until the caller has left, and say so."""
        if self.head.expects_continue and self._more and not (self.started or self.gone):
            self.head.expects_continue = False
            self._line.write(_CONTINUE)
        while not (self.gone or self.complete) and (self._ended or (self._more and not self._body)):
            await self._news()
        if self.gone or self.complete:
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        self._ended = not self._more
        return {"type": "http.request", "body": body, "more_body": self._more}

    async def _news(self) -> None:
        self._line.want_body()
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def send(self, message: Message) -> None:
        """Send the answer's start or a piece of its body. Raises `CallerGone`."""
        if self.gone:
            raise CallerGone
        if message["type"] == "http.response.start":
            self._begin(message["status"], message.get("headers", ()))
        else:
            self._send_body(message.get("body", b""), more=message.get("more_body", False))
            if not self.complete:
                await self._line.written()

    def _begin(self, status: int, headers: Any) -> None:
        """Make the answer's head; it is sent together with the beginning of the body, in one packet."""
        if self.started:
            raise RuntimeError("an answer was begun twice")
        common, lines = self._line.common()
        parts = [STATUS_LINES[status], common]
        closes = False
        for name, value in headers:
            if name == b"content-length":
                self._remaining = int(value)
            elif name == b"connection":
                closes = closes or b"close" in value.lower()
                continue
            lines += 1
            parts += (name, b": ", value, b"\r\n")
        self._keep = not closes and self.head.keep_alive and self._line.may_go_on()
        self._bodiless = self._bodiless or status in _WITHOUT_BODY
        parts.append(self._line.kept_open() if self._keep else _CLOSE)
        lines += 2 if self._keep else 1
        if self._remaining is None and not self._bodiless:
            self._chunked = self.head.is_1_1  # to HTTP/1.0 the end of the connection is the end of the body
            if self._chunked:
                lines += 1
                parts.append(_CHUNKED)
        start = b"".join(parts)
        if start.count(b"\n") != lines + 1 or start.count(b"\r") != lines + 1:
            raise RuntimeError("a header field of the answer holds a line end")
        self._start = start + b"\r\n"
        self.started = True

    def _send_body(self, body: bytes, *, more: bool) -> None:
        if not self.started or self.complete:
            raise RuntimeError("a body was sent outside an answer")
        data = b"" if self._bodiless else self._framed(body, more=more)
        if self._start is not None:
            data = self._start + data
            self._start = None
        if data:
            self._line.write(data)
        if not more:
            self.complete = True
            self._wake()
            self._line.answered(keep=self._keep)

    def _framed(self, body: bytes, *, more: bool) -> bytes:
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        if self._remaining is not None:
            self._remaining -= len(body)
            if self._remaining < 0 or (self._remaining and not more):
                raise RuntimeError("the body of an answer is not as long as announced")
        return body


def _is_departure(error: BaseException) -> bool:
    """Whether an error is, or was raised in place of, `CallerGone`."""
    return isinstance(error, CallerGone) or isinstance(error.__context__, CallerGone)
