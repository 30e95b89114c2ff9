"""Several directories asked in order: whom the first does not know, the next is asked for."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from varsel.contacts.protocol import Directory, Told
from varsel.model.contacts import (
    ExternalContact,
    OrganizationContact,
    Origin,
    PartyName,
    PersonContact,
    UserContact,
)

K = TypeVar("K")
_Ask = Callable[[Directory, Collection[str]], Awaitable[Mapping[str, K]]]


class DirectorySequence:
    """Asks `directories` in order, each only for what those before it do not know.

    A known party without any address is known: nobody else is asked for it. One failing directory fails the
    question, since the answer of a later one might differ from what the earlier would have said.
    """

    def __init__(self, directories: Sequence[Directory]) -> None:
        self._directories = directories
        self.name = "+".join(directory.name for directory in directories)

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Told[PersonContact]:
        """Look up national identity numbers."""
        return await self._in_order(numbers, lambda asked, left: asked.persons(left, use_stale=use_stale))

    async def external_identities(self, identities: Collection[str]) -> Told[ExternalContact]:
        """Look up self-identified users."""
        return await self._in_order(identities, lambda asked, left: asked.external_identities(left))

    async def organizations(self, numbers: Collection[str]) -> Told[OrganizationContact]:
        """Look up official addresses."""
        return await self._in_order(numbers, lambda asked, left: asked.organizations(left))

    async def user_contacts(
        self, organization_numbers: Collection[str], *, resource_id: str, resource_action: str
    ) -> Told[Sequence[UserContact]]:
        """Look up authorised users' contacts; an organisation that a directory lists without users is known to it."""
        return await self._in_order(
            organization_numbers,
            lambda asked, left: asked.user_contacts(left, resource_id=resource_id, resource_action=resource_action),
        )

    async def names(
        self, *, organization_numbers: Collection[str], national_identity_numbers: Collection[str]
    ) -> Told[PartyName]:
        """Look up registered names."""
        organizations = frozenset(organization_numbers)

        async def ask(asked: Directory, left: Collection[str]) -> Mapping[str, PartyName]:
            return await asked.names(
                organization_numbers=[number for number in left if number in organizations],
                national_identity_numbers=[number for number in left if number not in organizations],
            )

        return await self._in_order([*organization_numbers, *national_identity_numbers], ask)

    async def check(self) -> str:
        """Reach every directory and say what each of them said."""
        return "; ".join([f"{directory.name}: {await directory.check()}" for directory in self._directories])

    async def close(self) -> None:
        """Close every directory."""
        for directory in self._directories:
            await directory.close()

    async def _in_order(self, identifiers: Collection[str], ask: _Ask[K]) -> Told[K]:
        told: Told[K] = Told({}, dict.fromkeys(identifiers, Origin(self.name)))
        left = identifiers
        for directory in self._directories:
            if not left:
                break
            found = await ask(directory, left)
            if left is identifiers and isinstance(found, Told) and len(found) == len(identifiers):
                return found  # as nearly every answer is: the first directory knows everybody, and says where from
            told.update(found)
            told.origins.update(_origins(found, directory.name))
            left = [identifier for identifier in left if identifier not in found]
            if isinstance(found, Told):
                for unknown in left:
                    _, at, refused = found.origins[unknown]
                    told.origins[unknown] = Origin(self.name, at, refused or told.origins[unknown].refused)
        return told


def _origins(found: Mapping[str, K], directory: str) -> Mapping[str, Origin]:
    """Tell where what was found is from: from `directory`, unless the answers themselves know it more exactly."""
    if isinstance(found, Told):
        return {identifier: found.origins[identifier] for identifier in found}
    return dict.fromkeys(found, Origin(directory))


def in_sequence(directories: Sequence[Directory]) -> Directory:
    """Return one directory that asks `directories` in order; a single one is returned as it is."""
    return directories[0] if len(directories) == 1 else DirectorySequence(directories)
