"""The HTTP server on a real socket, with an application of the test."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.http_memory import Clock, server_of
from varsel.http import HttpServer, Limits
from varsel.http.exchange import Application

_LONGEST = 30.0


@asynccontextmanager
async def serving(
    app: Application, limits: Limits | None = None, clock: Clock | None = None
) -> AsyncIterator[tuple[HttpServer, int]]:
    """Run a server for the time of the block; return it and its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = server_of(app, limits, clock)
    await server.start(listening)
    try:
        yield server, listening.getsockname()[1]
    finally:
        await server.stop(linger=0, within=_LONGEST)
