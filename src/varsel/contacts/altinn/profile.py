"""Profile: contact points of persons, self-identified users and organisations (integrations.md 2.1 to 2.4)."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from varsel.contacts.altinn.chunks import in_chunks
from varsel.contacts.altinn.http import JsonClient
from varsel.contacts.altinn.reading import Known, Listing, Number, Odd, Shape, matched
from varsel.model.contacts import ExternalContact, OrganizationContact, PersonContact, UserContact

E = TypeVar("E")
V = TypeVar("V")


class _Person(Shape, frozen=True):
    national_identity_number: str | None = None
    is_reserved: bool | None = None
    mobile_number: str | None = None
    email: str | None = None


class _External(Shape, frozen=True):
    external_identity: str | None = None
    mobile_number: str | None = None
    email: str | None = None


class _Organization(Shape, frozen=True):
    organization_number: str | None = None
    party_id: Number | None = None
    mobile_number_list: tuple[str | None, ...] | None = None
    email_list: tuple[str | None, ...] | None = None


class _User(Shape, frozen=True):
    user_id: Number | None = None
    mobile_number: str | None = None
    email: str | None = None


class _Unit(Shape, frozen=True):
    organization_number: str | None = None
    party_id: Number | None = None
    user_contact_points: tuple[_User | None, ...] | None = None


_MEMBER = "contactpointslist"
_PERSONS = Listing(_MEMBER, _Person, ("nationalidentitynumber",))
_EXTERNALS = Listing(_MEMBER, _External, ("externalidentity",))
_ORGANIZATIONS = Listing(_MEMBER, _Organization, ("organizationnumber",))
_UNITS = Listing(_MEMBER, _Unit, ("organizationnumber",))


class Unit(NamedTuple):
    """What users registered for themselves at one organisation, whether authorised or not."""

    party_id: int
    users: tuple[UserContact, ...]


class Profile:
    """Asks Profile, at most `per_call` identifiers in a call."""

    def __init__(self, http: JsonClient, *, per_call: int) -> None:
        self._http = http
        self._per_call = per_call

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Known[PersonContact]:
        """Look up national identity numbers."""

        async def call(chunk: Sequence[str]) -> Iterable[_Person | Odd] | None:
            question = {"nationalIdentityNumbers": chunk, "useStaleContactInfo": use_stale}
            return await self._http.ask("persons", "users/contactpoint/lookup", question, _PERSONS)

        found = await in_chunks(filter(str.strip, numbers), self._per_call, call)
        return matched(numbers, _keyed(found, lambda p: p.national_identity_number, _person))

    async def external_identities(self, identities: Collection[str]) -> Known[ExternalContact]:
        """Look up self-identified users."""

        async def call(chunk: Sequence[str]) -> Iterable[_External | Odd] | None:
            question = {"externalIdentities": chunk}
            return await self._http.ask("external identities", "users/contactpoint/lookupsi", question, _EXTERNALS)

        found = await in_chunks(filter(str.strip, identities), self._per_call, call)
        return matched(identities, _keyed(found, lambda e: e.external_identity, _external))

    async def organizations(self, numbers: Collection[str]) -> Known[OrganizationContact]:
        """Look up official notification addresses; the answer's number is the one asked for, not its origin's."""

        async def call(chunk: Sequence[str]) -> Iterable[_Organization | Odd] | None:
            question, path = {"organizationNumbers": chunk}, "organizations/notificationaddresses/lookup"
            return await self._http.ask("organisations", path, question, _ORGANIZATIONS)

        found = await in_chunks(filter(str.strip, numbers), self._per_call, call)
        return matched(numbers, _keyed(found, lambda o: o.organization_number, _organization))

    async def units(self, numbers: Collection[str], resource_id: str) -> Known[Unit]:
        """Look up what users registered at organisations for the resource, before any authorisation."""

        async def call(chunk: Sequence[str]) -> Iterable[_Unit | Odd] | None:
            question = {"organizationNumbers": chunk, "resourceId": resource_id}
            return await self._http.ask("user contacts", "units/contactpoint/lookup", question, _UNITS)

        found = await in_chunks(filter(str.strip, numbers), self._per_call, call)
        return matched(numbers, _keyed(found, lambda u: u.organization_number, _unit))

    async def reach(self) -> None:
        """Ask for nobody, to see whether Profile answers; raises `DependencyFailure`."""
        question = {"nationalIdentityNumbers": [], "useStaleContactInfo": False}
        await self._http.reach("a look-up", "users/contactpoint/lookup", question)


def _keyed(
    found: Iterable[E | Odd], identifier: Callable[[E], str | None], made: Callable[[E], V]
) -> Iterator[tuple[str | None, V | Odd]]:
    for entry in found:
        yield (entry.identifier, entry) if isinstance(entry, Odd) else (identifier(entry), made(entry))


def _person(entry: _Person) -> PersonContact:
    number = entry.national_identity_number or ""
    return PersonContact(number, entry.is_reserved is True, entry.email, entry.mobile_number)


def _external(entry: _External) -> ExternalContact:
    return ExternalContact(entry.external_identity or "", entry.email, entry.mobile_number)


def _organization(entry: _Organization) -> OrganizationContact:
    return OrganizationContact(
        entry.organization_number or "",
        entry.party_id or 0,
        _texts(entry.email_list),
        _texts(entry.mobile_number_list),
    )


def _unit(entry: _Unit) -> Unit:
    """Leave out users without an id: nobody can be asked whether they are authorised."""
    users = (user for user in entry.user_contact_points or () if user is not None and user.user_id)
    return Unit(
        entry.party_id or 0, tuple(UserContact(user.user_id or 0, user.email, user.mobile_number) for user in users)
    )


def _texts(listed: tuple[str | None, ...] | None) -> tuple[str, ...]:
    return tuple(text for text in listed or () if text is not None)
