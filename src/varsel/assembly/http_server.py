"""The server that carries the interface: settings in, a server and the socket it listens on out."""

import socket

from varsel.errors import SettingsError
from varsel.http import HttpServer, Limits
from varsel.http.exchange import Application
from varsel.intake.departure import EXTENSION, Departure
from varsel.settings import Settings


def http_server(settings: Settings, app: Application) -> HttpServer:
    """Return the server of `app`, to be started on a socket of `bound_socket`."""
    limits = Limits(
        head=settings.http_max_head,
        head_seconds=settings.http_head_timeout.total_seconds(),
        idle_seconds=settings.http_keep_alive.total_seconds(),
        least_rate=settings.http_least_rate,
        connections=settings.http_max_connections,
    )
    return HttpServer(app, limits, leaving_name=EXTENSION, leaving=Departure)


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
