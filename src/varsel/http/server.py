"""All connections: accepting them, looking after their time limits, and stopping without losing a request."""

import asyncio
import logging
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from email.utils import formatdate
from heapq import nsmallest
from operator import itemgetter
from typing import Final

from varsel.http.connection import Connection, Leaving
from varsel.http.descriptors import room_for
from varsel.http.exchange import Application, Exchange, Message
from varsel.http.limits import CLOSING, Limits

_log = logging.getLogger(__name__)

BACKLOG: Final = 2_048
"""Connections that the kernel keeps while they wait to be accepted."""

_SECOND: Final = 1.0
_SPARE: Final = 128
"""Connections that were refused and still have time to read so; with a further one the first of them is ended."""
_ROOM: Final = 100
"""One in so many connections is closed at once in favour of new ones."""
_OLD_ENOUGH: Final = 5.0
"""Seconds after which a connection that waits for a request may be closed in favour of a new one."""
_CROWDED: Final = 0.8
"""Part of the allowed connections from which on a warning is logged."""
_WARNINGS_APART: Final = 60.0

SAFETY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
"""Header fields of every answer: it is what its type says, is shown in nobody's frame, and its address stays here.

https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
"""


class HttpServer:
    """Answers the requests of all connections by an ASGI application.

    `leaving` makes, for each connection, what is told that its caller has gone; requests find it among the extensions
    of their scope under `leaving_name`. `now` returns seconds that only grow; by default those of the event loop.
    """

    def __init__(
        self,
        app: Application,
        limits: Limits,
        *,
        leaving_name: str,
        leaving: Callable[[], Leaving],
        now: Callable[[], float] | None = None,
    ) -> None:
        self.app = app
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.now = now or self.loop.time
        self.stopping = False
        self.common: tuple[bytes, int] = (b"", 0)
        self.kept_open = b"connection: keep-alive\r\nkeep-alive: timeout=%d\r\n" % int(limits.idle_seconds)
        self._leaving = leaving
        self._leaving_name = leaving_name
        self._most = limits.connections
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._none_left = asyncio.Event()
        self._refused: Counter[int] = Counter()
        self._next_warning = 0.0
        self._no_room_before = 0.0  # no connection has waited long enough before this time
        self._turned_away: deque[Connection] = deque()
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Server | None = None
        self._looking: asyncio.Task[None] | None = None

    # -- what connections ask for

    def extensions(self) -> tuple[dict[str, object], Leaving]:
        """Return what the requests of one connection find among the extensions of their scope."""
        leaving = self._leaving()
        return {self._leaving_name: leaving}, leaving

    def admit(self, connection: Connection) -> None:
        """Count a new connection; where there are too many, close some that have waited longest, or refuse it."""
        self._connections.add(connection)
        count = len(self._connections)
        if count > self._most * _CROWDED:
            self._warn(count)
        if count > self._most and not self._make_room():
            connection.refuse(503, retry=True)
            self._turned_away.append(connection)
            if len(self._turned_away) > _SPARE:
                self._turned_away.popleft().end()

    def _warn(self, count: int) -> None:
        now = self.now()
        if now >= self._next_warning:
            self._next_warning = now + _WARNINGS_APART
            _log.warning(
                "%d of %d connections are in use; beyond that, callers are answered 503 (VARSEL_HTTP_MAX_CONNECTIONS)",
                count,
                self._most,
            )

    def _make_room(self) -> bool:
        """Close connections that have waited long for a request, or for the rest of one; return whether there were any.

        Several at once, because looking for them takes time.
        """
        now = self.now()
        if now < self._no_room_before:
            return False
        waiting = [(since, each) for each in self._connections if (since := each.waiting_since) is not None]
        longest = nsmallest(max(1, self._most // _ROOM), waiting, key=itemgetter(0))
        closed = [each for since, each in longest if now - since >= _OLD_ENOUGH]
        for each in closed:
            if not each.close_if_idle():
                each.refuse(408)
        if not closed:
            self._no_room_before = (longest[0][0] if longest else now) + _OLD_ENOUGH
        return bool(closed)

    def forget(self, connection: Connection) -> None:
        """Take note that a connection has ended."""
        self._connections.discard(connection)
        if not self._connections:
            self._none_left.set()

    def run(self, exchange: Exchange, scope: Message) -> None:
        """Have the application answer."""
        task = self.loop.create_task(exchange.run(self.app, scope))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def refused(self, status: int) -> None:
        """Count a request that was refused before the application saw it."""
        self._refused[status] += 1

    # -- running

    async def start(self, listening: socket.socket) -> None:
        """Let callers in on a bound socket."""
        self._most = room_for(self.limits.connections)
        self._listening = listening
        self.look()
        self._accepting = await self.loop.create_server(lambda: Connection(self), sock=listening, backlog=BACKLOG)
        self._looking = self.loop.create_task(self._keep_looking())

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_SECOND)
            try:
                self.look()
            except Exception:  # noqa: BLE001 - without it no time limit would hold any more
                _log.exception("looking after the connections failed; it is tried again")

    def look(self) -> None:
        """End what takes too long, say what was refused, and set the date of answers; called once a second."""
        lines = ((b"date", formatdate(time.time(), usegmt=True).encode("ascii")), *SAFETY)
        self.common = b"".join(b"%b: %b\r\n" % line for line in lines), len(lines)
        now = self.now()
        for connection in list(self._connections):
            connection.look(now)
        if self._refused:
            counts = ", ".join(f"{count} with {status}" for status, count in sorted(self._refused.items()))
            _log.info("requests refused before they were whole: %s", counts)
            self._refused.clear()

    # -- stopping

    async def stop(self, *, linger: float, within: float) -> None:
        """Stop; callers that do not know yet are still answered for `linger` seconds, and told to close.

        Returns when every connection has ended; after `within` seconds, those that have not are ended.
        """
        if self._accepting is None:
            return
        began = self.now()
        deadline = self.loop.time() + within
        self.stopping = True
        await self._until_none_left(min(linger, within))
        await self._stop_accepting()
        self._close_idle(opened_before=began)
        await self._until_none_left(min(CLOSING, deadline - self.loop.time()))
        self._close_idle(opened_before=self.now())
        await self._until_none_left(deadline - self.loop.time())
        await self._end_rest()

    def _close_idle(self, *, opened_before: float) -> None:
        """Close connections that wait for a request; newer ones have had no time to send theirs."""
        for connection in list(self._connections):
            since = connection.waiting_since
            if since is not None and since <= opened_before:
                connection.close_if_idle()

    async def _until_none_left(self, seconds: float) -> None:
        self._none_left.clear()
        if self._connections and seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self._none_left.wait()
            except TimeoutError:
                return

    async def _stop_accepting(self) -> None:
        """Accept whoever has connected already, for closing the socket would reset them; then accept nobody."""
        accepting, self._accepting = self._accepting, None
        if accepting is None or self._listening is None:
            return
        for _ in range(BACKLOG):
            if not _has_caller(self._listening):
                break
            await asyncio.sleep(0)
        accepting.close()

    async def _end_rest(self) -> None:
        """End what is still under way."""
        if self._tasks:
            _log.warning("%d requests still under way were broken off", len(self._tasks))
        for connection in list(self._connections):
            connection.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._looking is not None:
            self._looking.cancel()


def _has_caller(listening: socket.socket) -> bool:
    """Whether a connection waits to be accepted."""
    poll = select.poll()
    poll.register(listening.fileno(), select.POLLIN)
    return bool(poll.poll(0))
