"""A directory that asks another one sparingly: in large batches, once per key, not again within an answer's age."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from varsel.contacts.protocol import Directory, Told
from varsel.contacts.sparing import packing
from varsel.contacts.sparing.coalesce import Gathering
from varsel.contacts.sparing.desk import Desk, Shared, Sources, Tally
from varsel.contacts.sparing.memory import Memory
from varsel.contacts.sparing.shared import SharedAnswers
from varsel.model.clock import Clock
from varsel.model.contacts import (
    ExternalContact,
    OrganizationContact,
    PartyName,
    PersonContact,
    UserContact,
)

V = TypeVar("V")
_ORGANIZATION, _PERSON = "o", "p"
"""Begin the keys of names, so that numbers of both sorts share a batch and are told apart in it."""


@dataclass(frozen=True, slots=True)
class Ages:
    """How long an answer of each kind is used, unknown parties included; zero asks anew each time.

    The age of `user_contacts` is also that of the decision who is authorised.
    """

    persons: timedelta = timedelta(minutes=15)
    external_identities: timedelta = timedelta(minutes=15)
    organizations: timedelta = timedelta(hours=1)
    user_contacts: timedelta = timedelta(minutes=5)
    names: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class SparingOptions:
    """How batches are gathered, how old answers may be, and how many bytes they may take."""

    gathering: Gathering = field(default_factory=Gathering)
    ages: Ages = field(default_factory=Ages)
    memory: int = 160 * 1024 * 1024


class SparingDirectory:
    """Answers as `directory` does, and tells of every answer which directory gave it and when.

    Failures are never remembered. A batch that fails fails only those who wait for it. Who is refused for himself is
    told as unknown, with an origin that says so; that is not remembered either. Through `answers` processes have the
    use of each other's answers.
    """

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        options: SparingOptions = SparingOptions(),
        answers: SharedAnswers | None = None,
    ) -> None:
        self.name = directory.name
        self._directory = directory
        shared = Shared(
            directory.name,
            clock,
            Memory(clock, limit=options.memory),
            options.gathering,
            Sources(directory.name),
            answers,
        )
        ages, self._tally = options.ages, shared.tally
        self._persons = Desk("persons", packing.PERSONS, ages.persons, self._ask_persons, shared)
        self._externals = Desk(
            "external identities", packing.EXTERNALS, ages.external_identities, self._ask_externals, shared
        )
        self._organizations = Desk(
            "organisations", packing.ORGANIZATIONS, ages.organizations, self._ask_organizations, shared
        )
        self._users = Desk("user contacts", packing.USERS, ages.user_contacts, self._ask_users, shared)
        self._parties = Desk("names", packing.NAMES, ages.names, self._ask_names, shared)

    @property
    def tally(self) -> Tally:
        """Counts for operators."""
        return self._tally

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Told[PersonContact]:
        """Look up national identity numbers; stale and fresh contact data are kept apart."""
        return await self._persons.answer(use_stale, numbers)

    async def external_identities(self, identities: Collection[str]) -> Told[ExternalContact]:
        """Look up self-identified users."""
        return await self._externals.answer(None, identities)

    async def organizations(self, numbers: Collection[str]) -> Told[OrganizationContact]:
        """Look up official addresses."""
        return await self._organizations.answer(None, numbers)

    async def user_contacts(
        self, organization_numbers: Collection[str], *, resource_id: str, resource_action: str
    ) -> Told[Sequence[UserContact]]:
        """Look up authorised users' contacts; every resource and action is a question of its own."""
        return await self._users.answer((resource_id, resource_action), organization_numbers)

    async def names(
        self, *, organization_numbers: Collection[str], national_identity_numbers: Collection[str]
    ) -> Told[PartyName]:
        """Look up registered names."""
        keys = [_ORGANIZATION + number for number in organization_numbers]
        keys += [_PERSON + number for number in national_identity_numbers]
        told = await self._parties.answer(None, keys)
        return Told(_bare(told), _bare(told.origins))

    async def check(self) -> str:
        """Reach the directory."""
        return await self._directory.check()

    async def close(self) -> None:
        """Give up what is under way, then close the directory."""
        desks: tuple[Desk[Any, Any], ...] = (
            self._persons,
            self._externals,
            self._organizations,
            self._users,
            self._parties,
        )
        for desk in desks:
            await desk.close()
        await self._directory.close()

    async def _ask_persons(self, use_stale: bool, numbers: Sequence[str]) -> Mapping[str, PersonContact]:
        return await self._directory.persons(numbers, use_stale=use_stale)

    async def _ask_externals(self, _lane: None, identities: Sequence[str]) -> Mapping[str, ExternalContact]:
        return await self._directory.external_identities(identities)

    async def _ask_organizations(self, _lane: None, numbers: Sequence[str]) -> Mapping[str, OrganizationContact]:
        return await self._directory.organizations(numbers)

    async def _ask_users(self, lane: tuple[str, str], numbers: Sequence[str]) -> Mapping[str, Sequence[UserContact]]:
        resource_id, action = lane
        return await self._directory.user_contacts(numbers, resource_id=resource_id, resource_action=action)

    async def _ask_names(self, _lane: None, keys: Sequence[str]) -> Mapping[str, PartyName]:
        organizations = [key[1:] for key in keys if key.startswith(_ORGANIZATION)]
        persons = [key[1:] for key in keys if key.startswith(_PERSON)]
        found = await self._directory.names(organization_numbers=organizations, national_identity_numbers=persons)
        keyed = {key: found[key[1:]] for key in keys if key[1:] in found}
        if not isinstance(found, Told):
            return keyed
        return Told(keyed, {key: found.origins[key[1:]] for key in keys})


def _bare(named: Mapping[str, V]) -> dict[str, V]:
    """Take the first letter off the keys."""
    return {key[1:]: value for key, value in named.items()}
