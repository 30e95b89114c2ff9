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
from varsel.intake.departure import EXTENSION, Departure
from varsel.settings import Settings


class _Joining:
    """A transport that keeps the head of an answer until what follows it is written, and sends both in one go."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._answering = False
        # Asked for at every request, and so found without a detour.
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send `data`, unless it is the head of an answer; an interim one (RFC 9110, section 15.2) is sent at once."""
        if self._head:
            data = self._head + data
            self._head = b""
        elif not self._answering and not data.startswith(b"HTTP/1.1 1"):
            self._answering = True
            self._head = data
            return
        self._transport.write(data)

    def answered(self) -> None:
        """Take note that an answer is complete; to HEAD nothing follows the head (RFC 9110, section 9.3.2)."""
        if self._head:
            self.write(b"")
        self._answering = False

    def close(self) -> None:
        """Send what is kept, then close."""
        self.answered()
        self._transport.close()


class OneWrite(HttpToolsProtocol):
    """Sends the head of an answer together with its body: one system call and one packet, where uvicorn makes two.

    Tells requests when their caller goes away (`intake.departure`).
    """

    _joining: _Joining
    _extensions: dict[str, object]
    _departure: Departure

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # narrower than asyncio says, as uvicorn's own
        """Let the connection write through a transport that joins."""
        self._joining = _Joining(transport)
        self._departure = Departure()
        self._extensions = {EXTENSION: self._departure}
        super().connection_made(cast("asyncio.Transport", self._joining))

    def on_message_begin(self) -> None:
        """Give the request what tells it of its caller's departure."""
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]  # the ones that asgiref knows

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the news on."""
        self._departure.happened()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Let the next answer begin."""
        self._joining.answered()
        super().on_response_complete()


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
    if settings.share_port:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((settings.host, settings.port))
    except OSError as error:
        bound.close()
        where = f"{settings.host}, port {settings.port}"
        raise SettingsError(
            [f"nobody can listen on {where} ({error.strerror}): choose another VARSEL_HOST or VARSEL_PORT"]
        ) from None
    return bound
