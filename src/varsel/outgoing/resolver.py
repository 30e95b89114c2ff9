"""From host names to IP addresses."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Protocol

from varsel.outgoing.destination import IPAddress

_THREADS = 8


class Resolver(Protocol):
    """Answers with the addresses of a host name, best first."""

    async def addresses(self, host: str) -> Sequence[IPAddress]:
        """Return all addresses of `host`. Raises OSError when it has none or nobody answers."""
        ...


class SystemResolver:
    """The machine's own resolver, in threads of its own.

    A name server chosen by a caller can be slow on purpose, and the system's look-up cannot be broken off: in the
    event loop's common threads it would hold up every other look-up of the process.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolver")

    async def addresses(self, host: str) -> Sequence[IPAddress]:
        """Return all addresses of `host`. Raises OSError when it has none or nobody answers."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host)

    def close(self) -> None:
        """Take no more questions; answers still on their way are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> tuple[IPAddress, ...]:
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(ip_address(place[0]) for _, _, _, _, place in answers)
