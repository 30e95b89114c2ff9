"""A TCP proxy in front of a server, which can stop forwarding without closing anything, as a lost network does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit, urlunsplit

_PIECE = 65_536


class SeverableProxy:
    """Forwards connections made to `port` until they are severed; later ones are forwarded again."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._severed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0
        self.swallowing = False
        self.accepted = 0

    def sever(self) -> None:
        """Forward nothing more on the connections there are; they stay open and silent."""
        self._severed.set()
        self._severed = asyncio.Event()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection in both directions; nothing at all while `swallowing`."""
        self.accepted += 1
        self._writers.append(writer)
        if self.swallowing:
            return
        there, here = await self._connected()
        self._writers.append(here)
        severed = self._severed
        for source, target in ((reader, here), (there, writer)):
            task = asyncio.create_task(_forward(source, target, severed))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._server)
        options = parse_qs(parts.query)
        if "host" in options:
            return await asyncio.open_unix_connection(f"{options['host'][0]}/.s.PGSQL.{options['port'][0]}")
        return await asyncio.open_connection(parts.hostname, parts.port or 5432)

    async def close(self) -> None:
        """End everything."""
        for task in list(self._tasks):
            task.cancel()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _forward(source: asyncio.StreamReader, target: asyncio.StreamWriter, severed: asyncio.Event) -> None:
    cut = asyncio.create_task(severed.wait())
    try:
        while True:
            reading = asyncio.create_task(source.read(_PIECE))
            await asyncio.wait({reading, cut}, return_when=asyncio.FIRST_COMPLETED)
            if cut.done():
                reading.cancel()
                return
            piece = reading.result()
            if not piece:
                break
            target.write(piece)
            await target.drain()
    except OSError:
        pass
    finally:
        cut.cancel()
    with suppress(OSError):
        target.close()


@asynccontextmanager
async def severable(database_url: str) -> AsyncIterator[tuple[SeverableProxy, str]]:
    """Run a proxy in front of PostgreSQL; give it, and the URL that leads through it."""
    proxy = SeverableProxy(database_url)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    parts = urlsplit(database_url)
    user = parts.username or "varsel"
    password = f":{parts.password}" if parts.password else ""
    url = urlunsplit(("postgresql", f"{user}{password}@127.0.0.1:{proxy.port}", parts.path, "sslmode=disable", ""))
    try:
        yield proxy, url
    finally:
        server.close()
        await proxy.close()
