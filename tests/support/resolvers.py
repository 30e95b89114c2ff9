"""Resolvers as values: what a name server would say."""

import threading
from collections.abc import Sequence
from ipaddress import ip_address

from varsel.errors import NameNotLookedUp
from varsel.outgoing.destination import IPAddress


class FixedResolver:
    """Answers each question with the next of `answers`, the last one for ever after; `asked` keeps the names."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = [tuple(ip_address(text) for text in answer) for answer in answers]
        self.asked: list[str] = []

    async def addresses(self, host: str, creator: str | None = None) -> Sequence[IPAddress]:
        """Return the scripted addresses."""
        del creator
        self.asked.append(host)
        return self._answers[min(len(self.asked), len(self._answers)) - 1]


class UnknownName:
    """Knows no name."""

    async def addresses(self, host: str, creator: str | None = None) -> Sequence[IPAddress]:
        """Raise as a resolver does."""
        del creator
        raise OSError(f"unknown: {len(host)} letters")


class SlowNameServers:
    """Looks names up like the system, in the thread that asks; names of `slow` domains take until `release`."""

    def __init__(self, *slow: str) -> None:
        self._slow = slow
        self._released = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str) -> tuple[IPAddress, ...]:
        self.asked.append(host)
        if host.endswith(self._slow):
            self._released.wait()
        return (ip_address("127.0.0.1"),)

    def release(self) -> None:
        """Let the slow ones answer."""
        self._released.set()


class BusyResolver:
    """Has no thread for anybody."""

    async def addresses(self, host: str, creator: str | None = None) -> Sequence[IPAddress]:
        """Raise as a resolver does."""
        del creator
        raise NameNotLookedUp(f"no thread for {len(host)} letters")
