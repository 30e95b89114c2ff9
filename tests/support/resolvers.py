"""Resolvers as values: what a name server would say."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address

from varsel.outgoing.destination import IPAddress


class FixedResolver:
    """Answers each question with the next of `answers`, the last one for ever after; `asked` keeps the names."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = [tuple(ip_address(text) for text in answer) for answer in answers]
        self.asked: list[str] = []

    async def addresses(self, host: str) -> Sequence[IPAddress]:
        """Return the scripted addresses."""
        self.asked.append(host)
        return self._answers[min(len(self.asked), len(self._answers)) - 1]


class UnknownName:
    """Knows no name."""

    async def addresses(self, host: str) -> Sequence[IPAddress]:
        """Raise as a resolver does."""
        raise OSError(f"unknown: {len(host)} letters")


class SilentResolver:
    """Never answers."""

    async def addresses(self, host: str) -> Sequence[IPAddress]:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError(host)
