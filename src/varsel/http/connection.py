"""One connection: its requests are read, answered and counted one after the other.

Nothing is read that nobody has asked for, beyond a bounded buffer: not a further request while one is being answered,
not a body faster than the application takes it. So what a caller can make the process hold is bounded by `HELD` and one
read of the event loop.

Time limits are looked at by the server once a second (`look`), because a timer for each request would cost more.
"""

import asyncio
import select
from typing import Final, Protocol, cast
from urllib.parse import unquote

from varsel.http.chunks import ChunkedBody
from varsel.http.exchange import STATUS_LINES, Application, Exchange, Message
from varsel.http.heads import Head, Refused, read_head, split_head
from varsel.http.limits import ANNOUNCED_LATER, CLOSING, DRAINED, DROPPED, GRACE, HELD, READING, Limits

_ASGI: Final = {"version": "3.0", "spec_version": "2.4"}


class Leaving(Protocol):
    """Who wants to know that the caller at the other end of a connection went away."""

    def happened(self) -> None:
        """Take note of it."""


class Server(Protocol):
    """What a connection asks of the server."""

    app: Application
    limits: Limits
    stopping: bool
    common: tuple[bytes, int]
    kept_open: bytes
    loop: asyncio.AbstractEventLoop

    def now(self) -> float:
        """Return the present time in seconds."""

    def admit(self, connection: "Connection") -> None:
        """Count a new connection, or refuse it where there are too many."""

    def forget(self, connection: "Connection") -> None:
        """Take note that a connection has ended."""

    def run(self, exchange: Exchange, scope: Message) -> None:
        """Have the application answer."""

    def refused(self, status: int) -> None:
        """Count a request that was refused before the application saw it."""

    def extensions(self) -> tuple[dict[str, object], Leaving]:
        """Return what the requests of one connection find among the extensions of their scope."""


class Connection(asyncio.Protocol):
    """One connection of a caller."""

    _transport: asyncio.Transport
    _leaving: Leaving
    _extensions: dict[str, object]

    def __init__(self, server: Server) -> None:
        self._server = server
        self._addresses: tuple[tuple[str, int] | None, tuple[str, int] | None] = (None, None)
        self._unread = b""
        self._exchange: Exchange | None = None
        self._missing = 0  # bytes of a counted body that have not arrived yet
        self._chunks: ChunkedBody | None = None
        self._body = _Progress()
        self._sent = 0
        self._dropped = 0
        self._left = False
        self._slow_since: tuple[float, int] | None = None  # there while something is unread: since when, read before
        self._paused_reading = False
        self._writable: asyncio.Future[None] | None = None  # there while the caller reads too slowly
        self._idle_since = 0.0
        self._head_since = 0.0  # 0 while no request is unfinished
        self._closing_since = 0.0  # 0 until the last byte was written

    # -- what the transport reports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports share no base class with asyncio's
        self._addresses = _address(transport, "peername"), _address(transport, "sockname")
        self._extensions, self._leaving = self._server.extensions()
        self._idle_since = self._server.now()
        self._server.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell the application that its caller has gone."""
        self._leave()
        self._server.forget(self)

    def eof_received(self) -> None:
        """Take the end of the caller's bytes for the caller's departure; the transport then closes itself."""

    def pause_writing(self) -> None:
        """Let the application wait: the caller does not read."""
        self._writable = self._server.loop.create_future()

    def resume_writing(self) -> None:
        """Let the application, or the next request, go on."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
        if self._exchange is None:
            self._go_on()

    def data_received(self, data: bytes) -> None:
        """Read as much as may be read now."""
        if self._closing_since:
            self._drop(data)
            return
        if self._unread:
            data, self._unread = self._unread + data, b""
        try:
            self._read(data)
        except Refused as refused:
            self.refuse(refused.status)

    # -- reading

    def _read(self, data: bytes) -> None:
        while data and not self._closing_since:
            if self._missing:
                data = self._read_counted(data)
            elif self._chunks is not None:
                data = self._read_chunked(data, self._chunks)
            elif self._exchange is not None or self._writable is not None:
                self._hold(data)
                return
            else:
                split = split_head(data, self._server.limits.head)
                if split is None:
                    self._unread = data
                    self._head_since = self._head_since or self._server.now()
                    return
                block, end = split
                self._begin(read_head(block))
                data = data[end:]

    def _begin(self, head: Head) -> None:
        self._head_since = 0.0
        exchange = self._exchange = Exchange(self, head)
        self._body.restart()
        if head.length is None:
            self._chunks = ChunkedBody()
        elif head.length:
            self._missing = head.length
        else:
            exchange.arrived(b"", last=True)
        self._server.run(exchange, self._scope(head))

    def _scope(self, head: Head) -> Message:
        client, server = self._addresses
        path, _, query = head.target.partition(b"?")
        if not path.startswith(b"/"):
            path = _path_of(path)
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": "1.1" if head.is_1_1 else "1.0",
            "server": server,
            "client": client,
            "scheme": "http",
            "method": head.method,
            "root_path": "",
            "path": unquote(path) if b"%" in path else path.decode("ascii"),
            "raw_path": path,
            "query_string": query,
            "headers": head.headers,
            "extensions": self._extensions,
        }

    def _read_counted(self, data: bytes) -> bytes:
        content = data[: self._missing]
        self._missing -= len(content)
        self._arrived(content, last=not self._missing)
        return data[len(content) :]

    def _read_chunked(self, data: bytes, chunks: ChunkedBody) -> bytes:
        content, rest = chunks.take(data)
        if not chunks.done:
            self._unread = rest  # the beginning of a line
            self._arrived(content, last=False)
            return b""
        self._chunks = None
        self._arrived(content, last=True)
        return rest

    def _arrived(self, content: bytes, *, last: bool) -> None:
        """Hand content on; where the answer is complete already it is dropped."""
        if self._exchange is None:
            if last:
                self._head_since = 0.0
                self._idle_since = self._server.now()
            return
        if self._body.since:
            self._body.stop(self._server.now())
        self._body.done += len(content)
        self._exchange.arrived(content, last=last)
        if self._exchange.held > HELD:
            self._pause_reading()

    def _hold(self, data: bytes) -> None:
        """Keep the next requests until the present one is answered."""
        self._unread = data
        if len(data) > HELD:
            self._pause_reading()

    def _drop(self, data: bytes) -> None:
        """Read on although the answer is sent, so that a caller who is still sending gets to read it."""
        self._dropped += len(data)
        if self._dropped > DROPPED:
            self._pause_reading()

    def _pause_reading(self) -> None:
        if not self._paused_reading:
            self._paused_reading = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._paused_reading:
            self._paused_reading = False
            self._transport.resume_reading()

    # -- what the exchange asks for

    def write(self, data: bytes) -> None:
        """Send bytes; the first ones begin the caller's time to read them."""
        self._sent += len(data)
        self._transport.write(data)

    async def written(self) -> None:
        """Wait until the caller has read enough of what was written."""
        if self._writable is not None:
            await self._writable

    def want_body(self) -> None:
        """Read on, and count the time from now as the caller's."""
        self._body.begin(self._server.now())
        self._resume_reading()

    def may_go_on(self) -> bool:
        """Whether the rest of the body is there, or so short that it may be dropped, and the server goes on."""
        exchange = self._exchange
        if self._server.stopping or exchange is None:
            return False
        if self._chunks is not None or self._missing > DRAINED:
            return False
        return not (self._missing and exchange.head.expects_continue)

    def answered(self, *, keep: bool) -> None:
        """Go on with the next request, or close."""
        self._exchange = None
        if not keep:
            self.close()
            return
        self._idle_since = self._server.now()
        if self._missing:
            self._head_since = self._idle_since  # the rest of the body must arrive in the time of a head
        if self._writable is None:
            self._go_on()

    def _go_on(self) -> None:
        self._resume_reading()
        if self._unread:
            self.data_received(b"")

    def common(self) -> tuple[bytes, int]:
        """Return the header lines of every answer, and how many."""
        return self._server.common

    def kept_open(self) -> bytes:
        """Return the lines that announce how long the connection is kept."""
        return self._server.kept_open

    # -- ending

    def refuse(self, status: int, *, retry: bool = False) -> None:
        """Answer with a status alone, if nothing has been answered yet, and close."""
        self._server.refused(status)
        begun = self._exchange is not None and self._exchange.started
        self._leave()
        if begun:
            self.abort()
            return
        common, _ = self._server.common
        again = b"retry-after: 5\r\n" if retry else b""
        self.write(STATUS_LINES[status] + common + again + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.close()

    def _leave(self) -> None:
        """Stop working for the caller."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.leave()
        if not self._left:
            self._left = True
            self._leaving.happened()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def close(self) -> None:
        """Send what is written, and say that nothing more follows.

        The connection is ended by the caller, or after `CLOSING`. Ending it at once could reset it while the caller
        still sends, and take the answer away unread (RFC 9112, section 9.6).
        """
        if self._closing_since or self._transport.is_closing():
            return
        self._closing_since = self._server.now()
        self._unread = b""
        self._missing, self._chunks = 0, None
        self._resume_reading()
        self._transport.write_eof()

    def end(self) -> None:
        """End the connection once what was written is sent."""
        self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def close_if_idle(self) -> bool:
        """Close a connection that waits for a request; one that has just arrived is answered first."""
        if self._exchange is not None or self._head_since or self._closing_since:
            return False
        if not self._has_news():
            self.close()
        return True

    def _has_news(self) -> bool:
        """Whether bytes have arrived that the event loop has not read yet."""
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    # -- time limits

    @property
    def waiting_since(self) -> float | None:
        """Since when the connection waits for a whole head; None while it is of use."""
        if self._exchange is not None or self._closing_since:
            return None
        return self._head_since or self._idle_since

    def look(self, now: float) -> None:
        """End what takes too long."""
        limits = self._server.limits
        unread = self._transport.get_write_buffer_size()
        if unread and self._reads_too_slowly(unread, now):
            self.abort()
            return
        if not unread:
            self._slow_since = None
        if self._closing_since:
            if now - self._closing_since > CLOSING and not unread:
                self.end()
        elif self._exchange is not None:
            if self._exchange.waits_for_body and self._body.is_below(limits.least_rate, now):
                self.refuse(408)
        elif self._head_since:
            if now - self._head_since > limits.head_seconds:
                self.refuse(408)
        elif not unread and now - self._idle_since > limits.idle_seconds + ANNOUNCED_LATER:
            self.close_if_idle()

    def _reads_too_slowly(self, unread: int, now: float) -> bool:
        """Whether the caller reads what was written more slowly than the least rate."""
        read = self._sent - unread
        if self._slow_since is None:
            self._slow_since = now, read
        since, read_before = self._slow_since
        return now - since > READING and read - read_before < self._server.limits.least_rate * (now - since)


class _Progress:
    """How much was done in the time that the caller had for it."""

    __slots__ = ("done", "seconds", "since")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew."""
        self.done = 0
        self.seconds = 0.0
        self.since = 0.0  # 0 while the caller is not waited for

    def begin(self, now: float) -> None:
        """Wait for the caller from now on."""
        self.since = self.since or now

    def stop(self, now: float) -> None:
        """Wait no more."""
        self.seconds += now - self.since
        self.since = 0.0

    def is_below(self, rate: int, now: float) -> bool:
        """Whether the caller has done less than `rate` a second in the time of waiting beyond `GRACE`."""
        seconds = self.seconds + (now - self.since if self.since else 0.0)
        return self.done < rate * (seconds - GRACE)


def _address(transport: asyncio.BaseTransport, name: str) -> tuple[str, int] | None:
    address = transport.get_extra_info(name)
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None


def _path_of(target: bytes) -> bytes:
    """Return the path of a target in absolute form, which servers must take (RFC 9112, section 3.2.2)."""
    scheme, divider, rest = target.partition(b"://")
    if not divider or scheme.lower() not in {b"http", b"https"}:
        return target
    _, slash, path = rest.partition(b"/")
    return slash + path or b"/"
