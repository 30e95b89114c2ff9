"""From host names to IP addresses."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import NamedTuple, Protocol

from varsel.errors import NameNotLookedUp
from varsel.outgoing.destination import IPAddress
from varsel.outgoing.turns import TurnLimits, Turns


class Resolver(Protocol):
    """Answers with the addresses of a host name, best first, or gives up in time."""

    async def addresses(self, host: str, creator: str | None = None) -> Sequence[IPAddress]:
        """Return all addresses of `host`. Raises OSError when it has none or nobody answers, and `NameNotLookedUp`.

        `creator` is on whose behalf it is looked up, None for nobody in particular.
        """
        ...


LookUp = Callable[[str], tuple[IPAddress, ...]]
"""Looks a name up and holds its thread meanwhile. Raises OSError."""


@dataclass(frozen=True, slots=True)
class LookUpLimits:
    """Look-ups at once in all and for the names of one domain, how long one waits to begin, and how long it may take.

    A look-up that takes longer is given up by whoever asked, but keeps its thread until the system gives it up too.
    """

    total: int = 64
    per_domain: int = 4
    patience: timedelta = timedelta(seconds=5)
    within: timedelta = timedelta(seconds=5)


class SystemResolver:
    """The machine's own resolver, in threads of its own.

    A name server chosen by a caller can be slow on purpose, and the system's look-up cannot be broken off: in the
    event loop's common threads it would hold up every other look-up of the process. Here each name has one thread,
    whoever and however many ask for it, each domain only a few, and no creator so many that others find none.
    """

    def __init__(self, limits: LookUpLimits = LookUpLimits(), look_up: LookUp | None = None) -> None:
        self._within = limits.within.total_seconds()
        self._look_up = look_up or _look_up
        self._threads = ThreadPoolExecutor(limits.total, thread_name_prefix="resolver")
        self._turns = Turns(TurnLimits(limits.total, limits.per_domain, limits.patience))
        self._flights: dict[str, _Flight] = {}

    async def addresses(self, host: str, creator: str | None = None) -> Sequence[IPAddress]:
        """Return all addresses of `host`. Raises OSError when it has none or nobody answers, and `NameNotLookedUp`.

        `creator` is on whose behalf it is looked up, None for nobody in particular.
        """
        flight = self._flights.get(host) or self._begin(host, creator)
        await flight.decided.wait()
        # Time counts from here: what a thread was waited for is no fault of the host.
        async with asyncio.timeout(self._within):
            landed = await asyncio.shield(flight.task)
        if isinstance(landed, Exception):
            raise landed
        return landed

    def close(self) -> None:
        """Take no more questions; answers still on their way are not waited for."""
        for flight in self._flights.values():
            flight.task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self, host: str, creator: str | None) -> "_Flight":
        decided = asyncio.Event()
        flight = _Flight(decided, asyncio.create_task(self._fly(host, creator, decided)))
        self._flights[host] = flight
        flight.task.add_done_callback(lambda _: self._flights.pop(host))
        return flight

    async def _fly(self, host: str, creator: str | None, decided: asyncio.Event) -> tuple[IPAddress, ...] | Exception:
        """Look `host` up. A failure is a value here, since nobody may be waiting any more."""
        domain = _domain(host)
        try:
            has_turn = await self._turns.take(domain, creator)
        finally:
            decided.set()
        if not has_turn:
            return NameNotLookedUp("Too many names are being looked up at this moment, many of the same domain.")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._look_up, host)
        except (OSError, UnicodeError) as failure:  # a name that cannot be encoded is one that nobody has
            return failure if isinstance(failure, OSError) else OSError("the name cannot be looked up")
        finally:
            self._turns.give_back(domain, creator)


class _Flight(NamedTuple):
    """A look-up under way; `decided` is set when it has a thread, or has to do without."""

    decided: asyncio.Event
    task: asyncio.Task[tuple[IPAddress, ...] | Exception]


def _domain(host: str) -> str:
    """Return the last two labels, whose name servers most likely answer for `host`."""
    return ".".join(host.split(".")[-2:])


def _look_up(host: str) -> tuple[IPAddress, ...]:
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(ip_address(place[0]) for _, _, _, _, place in answers)
