"""A server with two addresses, of which the first swallows every packet: connecting to it never ends by itself."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

SWALLOWS, ANSWERS = "127.0.0.2", "127.0.0.1"
HOST = "two-addresses.example.com"


@contextlib.contextmanager
def first_address_swallows(port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the name `HOST` lie at `SWALLOWS` and `ANSWERS`, in this order; the first swallows at `port`.

    Its queue of connections is full and nobody takes any of them, so the kernel drops what else arrives.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((SWALLOWS, port))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((SWALLOWS, port))
        name_two_addresses(monkeypatch)
        yield


def name_two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the name `HOST` lie at both addresses."""
    monkeypatch.setattr(socket, "getaddrinfo", _names(socket.getaddrinfo))


def _names(system: Any) -> Any:
    """Return the system's look-up, which knows `HOST` too."""

    def look_up(host: str | bytes | None, port: Any, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name != HOST:
            return system(host, port, *args, **more)
        return [place for address in (SWALLOWS, ANSWERS) for place in system(address, port, *args, **more)]

    return look_up
