"""The contact register: read by identifier, many at once, through indexes only."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date

import asyncpg
import msgspec
from asyncpg import Record

from varsel.errors import StorageError
from varsel.model.contacts import ExternalContact, OrganizationContact, PartyName, PersonContact, UserContact
from varsel.model.register import (
    RegisterEntry,
    RegisterExternal,
    RegisterKind,
    RegisterOrganization,
    RegisterPerson,
    RegisterUser,
)
from varsel.storage import queries
from varsel.storage.pool import Pool

_SQL = queries.load("contacts")
_KEPT: dict[str, type[RegisterEntry]] = {
    "kept_persons": RegisterPerson,
    "kept_external_identities": RegisterExternal,
    "kept_organizations": RegisterOrganization,
    "kept_users": RegisterUser,
}


class ContactRegister:
    """Answers from the register. Identifiers may be any number; external identities come in canonical form.

    Unknown identifiers are missing from answers. Every method raises `StorageError` when there is no answer.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def persons(self, numbers: Sequence[str], *, use_stale: bool, today: date) -> list[PersonContact]:
        """Read persons; what is stale on the day `today` only with `use_stale`, a reservation in any case."""
        rows = await self._fetch("persons", identifiers=numbers, use_stale=use_stale, today=today)
        return [PersonContact(**row) for row in rows]

    async def external_identities(self, canonical: Sequence[str]) -> list[ExternalContact]:
        """Read self-identified users."""
        return [ExternalContact(**row) for row in await self._fetch("external_identities", identifiers=canonical)]

    async def organizations(self, numbers: Sequence[str]) -> list[OrganizationContact]:
        """Read official addresses."""
        rows = await self._fetch("organizations", numbers=numbers)
        return [OrganizationContact(row[0], emails=tuple(row[1]), mobile_numbers=tuple(row[2])) for row in rows]

    async def user_contacts(self, numbers: Sequence[str], *, resource_id: str) -> Mapping[str, Sequence[UserContact]]:
        """Read the users authorised for a resource, for each organisation that is known in any way."""
        found: dict[str, list[UserContact]] = {}
        for number, user_id, email, mobile_number in await self._fetch(
            "user_contacts", numbers=numbers, resource_id=resource_id
        ):
            users = found.setdefault(number, [])
            if user_id is not None:
                users.append(UserContact(user_id, email, mobile_number))
        return found

    async def names(self, *, persons: Sequence[str], organizations: Sequence[str]) -> list[PartyName]:
        """Read registered names."""
        return [PartyName(**row) for row in await self._fetch("names", persons=persons, organizations=organizations)]

    async def entries(self, identifiers: Sequence[str]) -> list[RegisterEntry]:
        """Read everything kept under these identifiers, an organisation's users included."""
        return [
            msgspec.convert(dict(row), kept)
            for statement, kept in _KEPT.items()
            for row in await self._fetch(statement, identifiers=identifiers)
        ]

    async def sizes(self) -> Mapping[RegisterKind, int]:
        """Count what is kept; reads whole indexes, so not for every day."""
        (row,) = await self._fetch("sizes")
        return {
            RegisterKind.PERSON: row["persons"],
            RegisterKind.EXTERNAL_IDENTITY: row["external_identities"],
            RegisterKind.ORGANIZATION: row["organizations"],
            RegisterKind.USER: row["users"],
        }

    async def _fetch(self, statement: str, **values: object) -> list[Record]:
        async with without_values("read"):
            return await self._pool.fetch(*_SQL[statement].of(**values))


@asynccontextmanager
async def without_values(done: str) -> AsyncIterator[None]:
    """Turn failures into `StorageError` that says what could not be `done`; PostgreSQL's own words may quote values."""
    try:
        yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
        raise StorageError(
            f"The contact register could not be {done} ({type(failure).__name__}). Check that PostgreSQL is well and "
            "that the schema is the one of this version (varsel doctor)."
        ) from failure
