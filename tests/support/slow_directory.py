"""A directory that can be held, made to fail, and counted, around another one."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from varsel.contacts.protocol import Directory
from varsel.errors import DependencyFailure, QuestionRefused
from varsel.model.contacts import ExternalContact, OrganizationContact, PartyName, PersonContact, UserContact


class SlowDirectory:
    """Passes questions on to `directory`; `asked` keeps the identifiers of each, sorted.

    `hold()` keeps questions waiting until `release()`; `failures` end as many questions; a question that holds one of
    `guilty` is refused.
    """

    def __init__(self, directory: Directory, name: str = "slow") -> None:
        self.name = name
        self.asked: list[list[str]] = []
        self.failures: list[Exception] = []
        self.guilty: set[str] = set()
        self.closed = False
        self.in_flight = 0
        self._directory = directory
        self._changed = asyncio.Condition()
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        """Keep questions waiting."""
        self._open.clear()

    def release(self) -> None:
        """Answer what waits, and go on."""
        self._open.set()

    async def wait_for_questions(self, number: int) -> None:
        """Return when `number` questions have come; fails after five seconds."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: len(self.asked) >= number)

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Mapping[str, PersonContact]:
        """Pass on."""
        await self._ask(numbers)
        return await self._directory.persons(numbers, use_stale=use_stale)

    async def external_identities(self, identities: Collection[str]) -> Mapping[str, ExternalContact]:
        """Pass on."""
        await self._ask(identities)
        return await self._directory.external_identities(identities)

    async def organizations(self, numbers: Collection[str]) -> Mapping[str, OrganizationContact]:
        """Pass on."""
        await self._ask(numbers)
        return await self._directory.organizations(numbers)

    async def user_contacts(
        self, organization_numbers: Collection[str], *, resource_id: str, resource_action: str
    ) -> Mapping[str, Sequence[UserContact]]:
        """Pass on."""
        await self._ask(organization_numbers)
        return await self._directory.user_contacts(
            organization_numbers, resource_id=resource_id, resource_action=resource_action
        )

    async def names(
        self, *, organization_numbers: Collection[str], national_identity_numbers: Collection[str]
    ) -> Mapping[str, PartyName]:
        """Pass on."""
        await self._ask([*organization_numbers, *national_identity_numbers])
        return await self._directory.names(
            organization_numbers=organization_numbers, national_identity_numbers=national_identity_numbers
        )

    async def check(self) -> str:
        """Pass on."""
        return await self._directory.check()

    async def close(self) -> None:
        """Note it, and pass on."""
        self.closed = True
        await self._directory.close()

    async def _ask(self, identifiers: Collection[str]) -> None:
        self.asked.append(sorted(identifiers))
        self.in_flight += 1
        async with self._changed:
            self._changed.notify_all()
        try:
            await self._open.wait()
        finally:
            self.in_flight -= 1
        if self.failures:
            raise self.failures.pop(0)
        if self.guilty.intersection(identifiers):
            raise QuestionRefused(self.name, "a question", "it answered status 400")


def closed_today(name: str = "slow") -> DependencyFailure:
    """Return a failure to be put into `failures`."""
    return DependencyFailure(name, "a question", "it is closed today")
