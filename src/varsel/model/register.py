"""What the contact register keeps, what an import brings to it, and what becomes of that."""

from datetime import date
from enum import StrEnum
from typing import ClassVar, NamedTuple, TypeAlias

import msgspec


class RegisterKind(StrEnum):
    """The kinds of entries, worded for people."""

    PERSON = "persons"
    EXTERNAL_IDENTITY = "external identities"
    ORGANIZATION = "organisations"
    USER = "user contacts"


class RegisterPerson(msgspec.Struct, frozen=True, gc=False):
    """A person. Stale means: `is_stale`, or `confirmed` lies 18 months back."""

    kind: ClassVar[RegisterKind] = RegisterKind.PERSON

    national_identity_number: str
    name: str | None = None
    email: str | None = None
    mobile_number: str | None = None
    is_reserved: bool = False
    is_stale: bool = False
    confirmed: date | None = None

    @property
    def key(self) -> str:
        """What tells this entry from all others, of other kinds too."""
        return self.national_identity_number


class RegisterExternal(msgspec.Struct, frozen=True, gc=False):
    """A self-identified user; `external_identity` is a URN in canonical form."""

    kind: ClassVar[RegisterKind] = RegisterKind.EXTERNAL_IDENTITY

    external_identity: str
    email: str | None = None
    mobile_number: str | None = None

    @property
    def key(self) -> str:
        """What tells this entry from all others, of other kinds too."""
        return self.external_identity


class RegisterOrganization(msgspec.Struct, frozen=True, gc=False):
    """An organisation with its official addresses."""

    kind: ClassVar[RegisterKind] = RegisterKind.ORGANIZATION

    organization_number: str
    name: str | None = None
    emails: tuple[str, ...] = ()
    mobile_numbers: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells this entry from all others, of other kinds too."""
        return self.organization_number


class RegisterUser(msgspec.Struct, frozen=True, gc=False):
    """What a user registered for himself at an organisation, and the resources he is authorised for; None: all."""

    kind: ClassVar[RegisterKind] = RegisterKind.USER

    organization_number: str
    user_id: int
    email: str | None = None
    mobile_number: str | None = None
    resources: tuple[str, ...] | None = None

    @property
    def key(self) -> str:
        """What tells this entry from all others, of other kinds too."""
        return user_key(self.organization_number, self.user_id)


RegisterEntry: TypeAlias = RegisterPerson | RegisterExternal | RegisterOrganization | RegisterUser


def user_key(organization_number: str, user_id: int) -> str:
    """Return the key of a user at an organisation."""
    return f"{organization_number}/{user_id}"


class ListedLine(NamedTuple):
    """A good line of an import file and what it lists; stored whole or not at all."""

    number: int
    entries: tuple[RegisterEntry, ...]


class RefusedLine(NamedTuple):
    """A line of an import file that cannot be used. `reason` repeats nothing of it; `keys` are whom it is about.

    Without keys nobody can tell whom it is about.
    """

    number: int
    reason: str
    keys: tuple[str, ...] = ()


class Tally(NamedTuple):
    """What an import did to the entries of one kind."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0

    @property
    def listed(self) -> int:
        """How many entries of the file were taken in."""
        return self.added + self.updated + self.unchanged

    def plus(self, other: "Tally") -> "Tally":
        """Return the sum."""
        return Tally(*(one + another for one, another in zip(self, other, strict=True)))
