"""Directories that are in trouble, or slow, until a test says otherwise."""

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path

from varsel.contacts.fixed import FixedDirectory
from varsel.errors import DependencyFailure
from varsel.model.contacts import PartyName, PersonContact


class FragileDirectory(FixedDirectory):
    """Answers like the fixed directory, but fails when asked about one of `broken_for`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.broken_for: set[str] = set()
        self.failure: Exception = DependencyFailure("fragile", "persons", "it answered 503")

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Mapping[str, PersonContact]:
        """Answer, or fail."""
        self._try(numbers)
        return await super().persons(numbers, use_stale=use_stale)

    async def names(
        self, *, organization_numbers: Collection[str], national_identity_numbers: Collection[str]
    ) -> Mapping[str, PartyName]:
        """Answer, or fail."""
        self._try(organization_numbers)
        return await super().names(
            organization_numbers=organization_numbers, national_identity_numbers=national_identity_numbers
        )

    def _try(self, asked: Collection[str]) -> None:
        if self.broken_for & set(asked):
            raise self.failure


class HeldDirectory(FixedDirectory):
    """Answers like the fixed directory, but only when released."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked = asyncio.Event()
        self.released = asyncio.Event()

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Mapping[str, PersonContact]:
        """Wait to be released, then answer."""
        self.asked.set()
        await self.released.wait()
        return await super().persons(numbers, use_stale=use_stale)
