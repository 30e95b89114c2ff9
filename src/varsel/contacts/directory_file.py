"""Reads and checks the file of the fixed directory (docs/directory-file.md)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from varsel.errors import VarselError
from varsel.model.addresses import is_email_address, is_mobile_number, normalise_number
from varsel.model.contacts import ExternalContact, OrganizationContact, PartyName, PersonContact, UserContact
from varsel.model.external_identities import canonical_identity


class DirectoryFileError(VarselError):
    """The file cannot be used; the sentence names every wrong place and what is expected there."""


class ListedUser(NamedTuple):
    """A user's contacts at an organisation, and the resources he is authorised for; None means all."""

    contact: UserContact
    resources: frozenset[str] | None

    def may_receive(self, resource_id: str) -> bool:
        """Tell whether the user is listed for `resource_id`."""
        return self.resources is None or resource_id in self.resources


class DirectoryContents(NamedTuple):
    """What a file says, keyed by identifier; external identities are keyed in their canonical form."""

    persons: Mapping[str, PersonContact] = {}
    stale_persons: frozenset[str] = frozenset()
    external_identities: Mapping[str, ExternalContact] = {}
    organizations: Mapping[str, OrganizationContact] = {}
    users: Mapping[str, Sequence[ListedUser]] = {}
    names: Mapping[str, PartyName] = {}


class _Entry(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    pass


class _PersonEntry(_Entry, frozen=True):
    national_identity_number: Annotated[str, Meta(pattern="^[0-9]{11}$")]
    name: str | None = None
    is_reserved: bool = False
    is_stale: bool = False
    email: str | None = None
    mobile_number: str | None = None


class _ExternalEntry(_Entry, frozen=True):
    external_identity: Annotated[str, Meta(pattern="^urn:altinn:")]
    email: str | None = None
    mobile_number: str | None = None


class _UserEntry(_Entry, frozen=True):
    user_id: int
    email: str | None = None
    mobile_number: str | None = None
    resources: tuple[str, ...] | None = None


class _OrganizationEntry(_Entry, frozen=True):
    organization_number: Annotated[str, Meta(pattern="^[0-9]{9}$")]
    name: str | None = None
    emails: tuple[str, ...] = ()
    mobile_numbers: tuple[str, ...] = ()
    users: tuple[_UserEntry, ...] = ()


class _File(_Entry, frozen=True):
    persons: tuple[_PersonEntry, ...] = ()
    external_identities: tuple[_ExternalEntry, ...] = ()
    organizations: tuple[_OrganizationEntry, ...] = ()


_decoder = msgspec.json.Decoder(_File)


def read_contents(path: Path) -> DirectoryContents:
    """Read and check the file at `path`; raises `DirectoryFileError` naming every wrong place."""
    try:
        file = _decoder.decode(path.read_bytes())
    except OSError as error:
        raise DirectoryFileError(f"{path} cannot be read ({error.strerror}): let Varsel's user read it.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DirectoryFileError(f"{path} is not a directory file: {error}.") from None
    problems = [*_wrong_addresses(file), *_repetitions(file)]
    if problems:
        raise DirectoryFileError("\n".join([f"{path} is not a directory file:", *problems]))
    return _indexed(file)


def _wrong_addresses(file: _File) -> Iterator[str]:
    for place, entry in _entries_with_one_address(file):
        yield from _wrong_email(f"{place}.email", entry.email)
        yield from _wrong_number(f"{place}.mobileNumber", entry.mobile_number)
    for at, organization in enumerate(file.organizations):
        for index, email in enumerate(organization.emails):
            yield from _wrong_email(f"organizations[{at}].emails[{index}]", email)
        for index, number in enumerate(organization.mobile_numbers):
            yield from _wrong_number(f"organizations[{at}].mobileNumbers[{index}]", number)


def _entries_with_one_address(file: _File) -> Iterator[tuple[str, _PersonEntry | _ExternalEntry | _UserEntry]]:
    for at, person in enumerate(file.persons):
        yield f"persons[{at}]", person
    for at, external in enumerate(file.external_identities):
        yield f"externalIdentities[{at}]", external
    for at, organization in enumerate(file.organizations):
        for index, user in enumerate(organization.users):
            yield f"organizations[{at}].users[{index}]", user


def _wrong_email(place: str, email: str | None) -> Iterator[str]:
    if email is not None and not is_email_address(email):
        yield f"{place}: expected an e-mail address such as kari@example.com, or leave it out"


def _wrong_number(place: str, number: str | None) -> Iterator[str]:
    if number is not None and not is_mobile_number(normalise_number(number)):
        yield f"{place}: expected a mobile number with country code such as +4799999999, or leave it out"


def _repetitions(file: _File) -> Iterator[str]:
    yield from _repeated("persons", "nationalIdentityNumber", [p.national_identity_number for p in file.persons])
    yield from _repeated(
        "externalIdentities",
        "externalIdentity",
        [canonical_identity(e.external_identity) for e in file.external_identities],
    )
    yield from _repeated("organizations", "organizationNumber", [o.organization_number for o in file.organizations])
    for at, organization in enumerate(file.organizations):
        yield from _repeated(f"organizations[{at}].users", "userId", [str(u.user_id) for u in organization.users])


def _repeated(listing: str, member: str, identifiers: Sequence[str]) -> Iterator[str]:
    """Name places, not identifiers: those are personal data."""
    first_at: dict[str, int] = {}
    for at, identifier in enumerate(identifiers):
        first = first_at.setdefault(identifier, at)
        if first != at:
            yield f"{listing}[{at}].{member}: expected one entry each, but {listing}[{first}] has the same"


def _indexed(file: _File) -> DirectoryContents:
    return DirectoryContents(
        persons={entry.national_identity_number: _person(entry) for entry in file.persons},
        stale_persons=frozenset(entry.national_identity_number for entry in file.persons if entry.is_stale),
        external_identities={canonical_identity(e.external_identity): _external(e) for e in file.external_identities},
        organizations={entry.organization_number: _organization(entry) for entry in file.organizations},
        users={o.organization_number: [_user(user) for user in o.users] for o in file.organizations},
        names=_names(file),
    )


def _person(entry: _PersonEntry) -> PersonContact:
    return PersonContact(entry.national_identity_number, entry.is_reserved, entry.email, entry.mobile_number)


def _external(entry: _ExternalEntry) -> ExternalContact:
    return ExternalContact(entry.external_identity, entry.email, entry.mobile_number)


def _organization(entry: _OrganizationEntry) -> OrganizationContact:
    return OrganizationContact(entry.organization_number, emails=entry.emails, mobile_numbers=entry.mobile_numbers)


def _user(entry: _UserEntry) -> ListedUser:
    contact = UserContact(entry.user_id, entry.email, entry.mobile_number)
    return ListedUser(contact, None if entry.resources is None else frozenset(entry.resources))


def _names(file: _File) -> dict[str, PartyName]:
    persons = [PartyName(entry.national_identity_number, entry.name) for entry in file.persons]
    organizations = [PartyName(entry.organization_number, entry.name) for entry in file.organizations]
    return {party.identifier: party for party in [*persons, *organizations]}
