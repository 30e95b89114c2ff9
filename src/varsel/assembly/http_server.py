"""The server that carries the interface: uvicorn, told what a service behind its own signals and settings needs."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from varsel.errors import SettingsError
from varsel.settings import Settings


class _Gathering:
    """A transport that sends what is written within one turn of the loop in one go."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Keep `data` until the turn ends."""
        if not self._written:
            self._loop.call_soon(self._send)
        self._written.append(data)

    def close(self) -> None:
        """Send what is kept, then close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._written:
            self._transport.write(b"".join(self._written))
            self._written.clear()


class OneWrite(HttpToolsProtocol):
    """Sends the head of an answer together with its body: one system call and one packet, where uvicorn makes two."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # narrower than asyncio says, as uvicorn's own
        """Let the connection write through a gathering transport."""
        super().connection_made(cast("asyncio.Transport", _Gathering(transport, self.loop)))


class HttpServer(uvicorn.Server):
    """uvicorn without its own signal handling: the whole service stops together."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`."""
        yield


def http_server(settings: Settings, app: ASGIApp) -> HttpServer:
    """Return the server of `app`, to be started on a socket of `bound_socket`."""
    config = uvicorn.Config(
        app,
        http=OneWrite,
        ws="none",  # a request to upgrade is answered as the request it otherwise is
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,  # links come from the settings, and nothing depends on the caller's address
        timeout_graceful_shutdown=round(settings.shutdown_wait.total_seconds()),
    )
    return HttpServer(config)


def bound_socket(settings: Settings) -> socket.socket:
    """Return a socket on the address to listen on; nobody is let in yet. Raises `SettingsError` if it is not free."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Only for a socket that names its protocol does asyncio send small answers without waiting for more to send.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, settings.port))
    except OSError as error:
        bound.close()
        where = f"{settings.host}, port {settings.port}"
        raise SettingsError(
            [f"nobody can listen on {where} ({error.strerror}): choose another VARSEL_HOST or VARSEL_PORT"]
        ) from None
    return bound
