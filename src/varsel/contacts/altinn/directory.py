"""Altinn's three components as one directory."""

import ssl
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from varsel.contacts.altinn.authorization import Authorization
from varsel.contacts.altinn.decision import Pair
from varsel.contacts.altinn.headers import Credentials, FixedHeaders
from varsel.contacts.altinn.http import CallOptions, JsonClient
from varsel.contacts.altinn.profile import Profile, Unit
from varsel.contacts.altinn.reading import Known
from varsel.contacts.altinn.register import Register
from varsel.contacts.limits import Gate, Limits
from varsel.contacts.protocol import Told
from varsel.model.clock import Clock
from varsel.model.contacts import (
    ExternalContact,
    OrganizationContact,
    Origin,
    PartyName,
    PersonContact,
    UserContact,
)

V = TypeVar("V")
_PROFILE, _REGISTER, _AUTHORIZATION = "ProfileClient", "RegisterClient", "AuthorizationService"


@dataclass(frozen=True, slots=True)
class Service:
    """Where a component answers, with `/` at the end, and the credentials it wants."""

    url: str
    credentials: Credentials = field(default_factory=lambda: FixedHeaders(dict))


@dataclass(frozen=True, slots=True, kw_only=True)
class AltinnOptions:
    """The components and how they are asked. `limits` and `call` hold for each component by itself."""

    profile: Service
    register: Service
    authorization: Service
    identifiers_per_call: int = 1000
    names_per_call: int = 1000
    pairs_per_call: int = 500
    limits: Limits = field(default_factory=Limits)
    call: CallOptions = field(default_factory=CallOptions)


class AltinnDirectory:
    """Answers from Altinn's components. `tls` replaces the machine's trusted authorities."""

    name = "altinn"

    def __init__(self, options: AltinnOptions, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        def client(service: Service, dependency: str) -> JsonClient:
            gate = Gate(dependency, clock, options.limits)
            return JsonClient(service.url, gate, service.credentials, options.call, trusted)

        trusted = tls or ssl.create_default_context()
        self._clients = (
            client(options.profile, _PROFILE),
            client(options.register, _REGISTER),
            client(options.authorization, _AUTHORIZATION),
        )
        profile, register, authorization = self._clients
        self._profile = Profile(profile, per_call=options.identifiers_per_call)
        self._register = Register(register, per_call=options.names_per_call)
        self._authorization = Authorization(authorization, _AUTHORIZATION, per_call=options.pairs_per_call)

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Mapping[str, PersonContact]:
        """Look up national identity numbers in the contact and reservation register."""
        return self._told(await self._profile.persons(numbers, use_stale=use_stale), numbers)

    async def external_identities(self, identities: Collection[str]) -> Mapping[str, ExternalContact]:
        """Look up self-identified users; an unknown e-mail identity is answered with the address it holds."""
        return self._told(await self._profile.external_identities(identities), identities)

    async def organizations(self, numbers: Collection[str]) -> Mapping[str, OrganizationContact]:
        """Look up official addresses; a sub-unit without any has its main unit's."""
        return self._told(await self._profile.organizations(numbers), numbers)

    async def user_contacts(
        self, organization_numbers: Collection[str], *, resource_id: str, resource_action: str
    ) -> Mapping[str, Sequence[UserContact]]:
        """Look up what users registered for the resource, then keep those who are authorised."""
        units = await self._profile.units(organization_numbers, resource_id)
        pairs = [pair for unit in units.found.values() for pair in _pairs(unit)]
        kept = await self._authorization.permitted(pairs, resource_id=resource_id, action=resource_action)
        users = {
            number: [user for user in unit.users if Pair(unit.party_id, user.user_id) in kept]
            for number, unit in units.found.items()
        }
        return self._told(Known(users, units.odd), organization_numbers)

    async def names(
        self, *, organization_numbers: Collection[str], national_identity_numbers: Collection[str]
    ) -> Mapping[str, PartyName]:
        """Look up registered names."""
        names = await self._register.names(organization_numbers, national_identity_numbers)
        return self._told(names, [*organization_numbers, *national_identity_numbers])

    async def check(self) -> str:
        """Reach all three components."""
        await self._profile.reach()
        await self._register.reach()
        await self._authorization.reach()
        return "Profile, Register and Authorization answer"

    async def close(self) -> None:
        """Let go of connections, those of the credentials included."""
        for client in self._clients:
            await client.close()

    def _told(self, known: Known[V], asked: Collection[str]) -> Mapping[str, V]:
        """Say of whom an answer came that cannot be read, if there are any."""
        if not known.odd:
            return known.found
        return Told(known.found, {key: Origin(self.name, refused=key in known.odd) for key in asked})


def _pairs(unit: Unit) -> Iterator[Pair]:
    """List whom to ask about; without the party's id nobody can be asked, so nobody is authorised."""
    if unit.party_id:
        yield from (Pair(unit.party_id, user.user_id) for user in unit.users)
