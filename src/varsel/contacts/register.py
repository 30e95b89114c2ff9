"""The register directory: Varsel's own contact table, for those who run it without Altinn.

docs/contact-register.md tells how it is filled.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Protocol

from varsel.errors import DependencyFailure, StorageError
from varsel.model.clock import Clock
from varsel.model.contacts import ExternalContact, OrganizationContact, PartyName, PersonContact, UserContact
from varsel.model.external_identities import canonical_identity
from varsel.model.register import RegisterKind

_AT_ONCE = 1000


class RegisterReader(Protocol):
    """Reads the register; `storage.contacts.ContactRegister` does. Raises `errors.StorageError` without an answer."""

    async def persons(self, numbers: Sequence[str], *, use_stale: bool, today: date) -> Sequence[PersonContact]:
        """Read persons; what is stale on the day `today` only with `use_stale`."""
        ...

    async def external_identities(self, canonical: Sequence[str]) -> Sequence[ExternalContact]:
        """Read self-identified users by their URNs in canonical form."""
        ...

    async def organizations(self, numbers: Sequence[str]) -> Sequence[OrganizationContact]:
        """Read official addresses."""
        ...

    async def user_contacts(self, numbers: Sequence[str], *, resource_id: str) -> Mapping[str, Sequence[UserContact]]:
        """Read the users authorised for a resource, for each known organisation."""
        ...

    async def names(self, *, persons: Sequence[str], organizations: Sequence[str]) -> Sequence[PartyName]:
        """Read registered names."""
        ...

    async def sizes(self) -> Mapping[RegisterKind, int]:
        """Count what is kept."""
        ...


class RegisterDirectory:
    """Answers from the register, asked for at most `at_once` identifiers in a statement.

    A person whose contact data is stale is unknown without `use_stale`, but for a reservation: that is answered in
    any case, without addresses.
    """

    name = "register"

    def __init__(self, reader: RegisterReader, clock: Clock, *, at_once: int = _AT_ONCE) -> None:
        self._reader = reader
        self._clock = clock
        self._at_once = at_once

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Mapping[str, PersonContact]:
        """Look up national identity numbers."""
        found: dict[str, PersonContact] = {}
        today = self._clock.now().date()
        async with _answering("persons"):
            for some in self._sets(numbers):
                persons = await self._reader.persons(some, use_stale=use_stale, today=today)
                found.update((person.national_identity_number, person) for person in persons)
        return found

    async def external_identities(self, identities: Collection[str]) -> Mapping[str, ExternalContact]:
        """Look up self-identified users, in whatever spelling they are asked for."""
        asked = {identity: canonical_identity(identity) for identity in identities}
        known: dict[str, ExternalContact] = {}
        async with _answering("external_identities"):
            for some in self._sets(set(asked.values())):
                known.update((each.external_identity, each) for each in await self._reader.external_identities(some))
        return {identity: known[canonical] for identity, canonical in asked.items() if canonical in known}

    async def organizations(self, numbers: Collection[str]) -> Mapping[str, OrganizationContact]:
        """Look up official addresses."""
        found: dict[str, OrganizationContact] = {}
        async with _answering("organizations"):
            for some in self._sets(numbers):
                found.update((each.organization_number, each) for each in await self._reader.organizations(some))
        return found

    async def user_contacts(
        self,
        organization_numbers: Collection[str],
        *,
        resource_id: str,
        resource_action: str,  # noqa: ARG002 - the protocol's; the register lists users for every action
    ) -> Mapping[str, Sequence[UserContact]]:
        """Look up users listed for the resource; a listed user is authorised for every action."""
        found: dict[str, Sequence[UserContact]] = {}
        async with _answering("user_contacts"):
            for some in self._sets(organization_numbers):
                found.update(await self._reader.user_contacts(some, resource_id=resource_id))
        return found

    async def names(
        self, *, organization_numbers: Collection[str], national_identity_numbers: Collection[str]
    ) -> Mapping[str, PartyName]:
        """Look up names; who is in the register without one is a known party without a name."""
        found: dict[str, PartyName] = {}
        async with _answering("names"):
            for some in self._sets(national_identity_numbers):
                found.update(_by_identifier(await self._reader.names(persons=some, organizations=[])))
            for some in self._sets(organization_numbers):
                found.update(_by_identifier(await self._reader.names(persons=[], organizations=some)))
        return found

    async def check(self) -> str:
        """Say what the register holds."""
        async with _answering("check"):
            sizes = await self._reader.sizes()
        held = ", ".join(f"{count} {kind}" for kind, count in sizes.items())
        advice = "" if any(sizes.values()) else "; fill it with: varsel contacts import FILE"
        return f"Varsel's own register holds {held}{advice}"

    async def close(self) -> None:
        """Nothing to let go of: the database belongs to the whole service."""

    def _sets(self, identifiers: Collection[str]) -> list[list[str]]:
        """Cut identifiers into sets; PostgreSQL takes no NUL in a text, so what has one is nobody's."""
        listed = [identifier for identifier in identifiers if "\0" not in identifier]
        return [listed[start : start + self._at_once] for start in range(0, len(listed), self._at_once)]


def _by_identifier(names: Sequence[PartyName]) -> Mapping[str, PartyName]:
    return {party.identifier: party for party in names}


@asynccontextmanager
async def _answering(operation: str) -> AsyncIterator[None]:
    try:
        yield
    except StorageError as failure:
        raise DependencyFailure(RegisterDirectory.name, operation, str(failure)) from failure
