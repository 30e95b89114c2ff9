"""Octets out, replies in: one TCP connection without any knowledge of what is being said."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import cast

from varsel.channels.email_smtp.replies import ConnectionDropped, Reply, ReplyReader


class Wire(asyncio.Protocol):
    """A connection whose replies are read in order. Every wait has a limit; a limit passed ends the connection."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._writing_paused = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._lost: ConnectionDropped | None = None
        self.timed_out = False
        self.on_lost: Callable[[], object] | None = None

    # --- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._replies.extend(self._reader.feed(data))
        except ConnectionDropped as dropped:
            self.abort(dropped)
            return
        if self._replies:
            _wake(self._waiter)

    def connection_lost(self, _reason: Exception | None) -> None:
        self.abort(ConnectionDropped("the server closed the connection"))

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        _wake(self._drained)

    # --- what the dialogue calls

    @property
    def quiet(self) -> bool:
        """Whether the connection stands and nothing unexpected has been said on it."""
        return self._lost is None and not self._replies and not self._reader.pending

    def write(self, data: bytes) -> None:
        """Send `data`, as far as the connection still stands."""
        if self._transport is not None and self._lost is None:
            self._transport.write(data)

    async def reply(self, within: float) -> Reply:
        """Return the next reply, waiting at most `within` seconds. Raises `ConnectionDropped`."""
        if not self._replies:
            await self._wait(within)
        return self._replies.popleft()

    async def drained(self, within: float) -> None:
        """Wait until what was written has mostly left this process. Raises `ConnectionDropped`."""
        if self._writing_paused or self._lost is not None:
            await self._wait(within, for_reply=False)

    async def start_tls(self, context: ssl.SSLContext, host: str, within: float) -> None:
        """Go on encrypted. Anything said before is refused: it would pass for part of the protected dialogue."""
        if not self.quiet or self._transport is None:
            raise ConnectionDropped("the server spoke between STARTTLS and the TLS handshake")
        upgraded = await self._loop.start_tls(
            self._transport, self, context, server_hostname=host, ssl_handshake_timeout=within
        )
        if upgraded is None:
            raise ConnectionDropped("the server closed the connection")
        self._transport = upgraded

    def local_address(self) -> str:
        """The address of our end of the connection."""
        name = self._transport.get_extra_info("sockname") if self._transport is not None else None
        return str(name[0]) if name else "127.0.0.1"

    def tls_version(self) -> str | None:
        """The protocol version of TLS, None if the connection is not encrypted."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return tls.version() if tls is not None else None

    def abort(self, reason: ConnectionDropped | None = None) -> None:
        """End the connection at once; whoever waits gets `reason`."""
        if self._lost is not None:
            return
        self._lost = reason or ConnectionDropped("the connection was given up")
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        _wake(self._waiter)
        _wake(self._drained)
        if self.on_lost is not None:
            self.on_lost()

    async def _wait(self, within: float, *, for_reply: bool = True) -> None:
        self._raise_if_lost()
        waiter = self._loop.create_future()
        if for_reply:
            self._waiter = waiter
        else:
            self._drained = waiter
        self._watch(within)
        try:
            await waiter
        finally:
            self._deadline = 0.0
        if not (for_reply and self._replies):
            self._raise_if_lost()

    def _raise_if_lost(self) -> None:
        if self._lost is not None:
            raise self._lost

    def _watch(self, within: float) -> None:
        """Set the deadline. The timer is kept from wait to wait: arming one for each reply would cost more."""
        self._deadline = self._loop.time() + within
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self._deadline:
            return
        if self._loop.time() >= self._deadline:
            self.timed_out = True
            self.abort(ConnectionDropped("the server did not answer in time"))
        else:
            self._timer = self._loop.call_at(self._deadline, self._tick)


def _wake(waiter: "asyncio.Future[None] | None") -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
