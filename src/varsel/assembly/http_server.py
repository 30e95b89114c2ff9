"""The server that carries the interface: uvicorn, told what a service behind its own signals and settings needs."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from varsel.errors import SettingsError
from varsel.settings import Settings


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
