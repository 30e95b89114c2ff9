"""The same few parties for every directory: what each of them is to answer, and how each is told of them."""

import json
from datetime import UTC, datetime
from pathlib import Path

from tests.support.altinn import Altinn, Grant
from varsel.model.contacts import ExternalContact, OrganizationContact, PartyName, PersonContact, UserContact
from varsel.model.external_identities import canonical_identity
from varsel.model.register import (
    ListedLine,
    RegisterEntry,
    RegisterExternal,
    RegisterOrganization,
    RegisterPerson,
    RegisterUser,
)
from varsel.storage import contact_imports
from varsel.storage.pool import Pool

KARI, OLA, STALE, STRANGER = "16069412345", "10987654321", "12345678901", "00000000000"
ORG, LONELY, NOBODY = "310123456", "310999888", "999999999"
SELF = "urn:altinn:person:idporten-email:kari@example.com"
PLUS, PLUS_ENCODED = "urn:altinn:person:idporten-email:kari+test@example.no", "kari%2Btest@example.no"
USERNAME, OLDER_USERNAME = "urn:altinn:party:username:Kari", "urn:altinn:username:kari"
SPELLINGS = {
    SELF: "kari@example.com",
    SELF.replace("kari", "%6Bari"): "kari@example.com",
    PLUS: "plus@example.com",
    PLUS.rpartition(":")[0] + ":" + PLUS_ENCODED: "plus@example.com",
    USERNAME: "name@example.com",
    OLDER_USERNAME: "name@example.com",
}
"""External identities as they may be asked for, and where each is reached."""
RESOURCE = "my-resource"
PARTY_ID = 50012345

PERSONS = {
    KARI: PersonContact(KARI, False, "kari@example.com", "+4799999999"),
    OLA: PersonContact(OLA, True),
}
STALE_PERSON = PersonContact(STALE, False, "old@example.com")
EXTERNAL = ExternalContact(SELF, "kari@example.com")
OFFICIAL = (("post@example.com",), ("+4740000001",))
MANAGER, CLERK = UserContact(1, "daglig.leder@example.com"), UserContact(2, None, "+4740000000")
NAMES = {
    ORG: PartyName(ORG, "Eksempel AS"),
    KARI: PartyName(KARI, "Kari Nordmann"),
    STALE: PartyName(STALE, None),
}


def write_file(path: Path) -> Path:
    """Write the file of the fixed directory."""
    persons = [
        {"nationalIdentityNumber": KARI, "name": "Kari Nordmann"}
        | {"email": "kari@example.com", "mobileNumber": "+4799999999"},
        {"nationalIdentityNumber": OLA, "isReserved": True},
        {"nationalIdentityNumber": STALE, "isStale": True, "email": "old@example.com"},
    ]
    users = [
        {"userId": 1, "email": "daglig.leder@example.com", "resources": [RESOURCE]},
        {"userId": 2, "mobileNumber": "+4740000000"},
    ]
    organization = {"organizationNumber": ORG, "name": "Eksempel AS", "emails": OFFICIAL[0], "users": users}
    organizations = [organization | {"mobileNumbers": OFFICIAL[1]}, {"organizationNumber": LONELY}]
    externals = [
        {"externalIdentity": SELF, "email": "kari@example.com"},
        {"externalIdentity": PLUS, "email": "plus@example.com"},
        {"externalIdentity": USERNAME, "email": "name@example.com"},
    ]
    document = {"persons": persons, "organizations": organizations, "externalIdentities": externals}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def populate(altinn: Altinn) -> None:
    """Tell a scripted Altinn."""
    altinn.persons = {
        KARI: {"nationalIdentityNumber": KARI, "email": "kari@example.com", "mobileNumber": "+4799999999"},
        OLA: {"nationalIdentityNumber": OLA, "isReserved": True, "email": None, "mobileNumber": None},
        STALE: {"nationalIdentityNumber": STALE, "email": "old@example.com"},
    }
    altinn.stale = {STALE}
    altinn.externals = {
        identity: {"externalIdentity": identity, "email": email, "mobileNumber": None}
        for identity, email in SPELLINGS.items()
    }
    altinn.organizations = {
        ORG: {"organizationNumber": ORG, "emailList": OFFICIAL[0], "mobileNumberList": OFFICIAL[1]},
        LONELY: {"organizationNumber": LONELY},
    }
    users = [
        {"userId": 1, "email": "daglig.leder@example.com", "mobileNumber": None},
        {"userId": 2, "email": None, "mobileNumber": "+4740000000"},
    ]
    altinn.units = {
        ORG: {"organizationNumber": ORG, "partyId": PARTY_ID, "userContactPoints": users},
        LONELY: {"organizationNumber": LONELY, "partyId": 7, "userContactPoints": []},
    }
    altinn.grants = {Grant(1, PARTY_ID, RESOURCE), Grant(2, PARTY_ID, RESOURCE), Grant(2, PARTY_ID, "other")}
    altinn.names = {number: party.name for number, party in NAMES.items()}


REGISTER: tuple[RegisterEntry, ...] = (
    RegisterPerson(KARI, "Kari Nordmann", "kari@example.com", "+4799999999"),
    RegisterPerson(OLA, None, is_reserved=True),
    RegisterPerson(STALE, None, "old@example.com", is_stale=True),
    RegisterExternal(SELF, "kari@example.com"),
    RegisterExternal(canonical_identity(PLUS), "plus@example.com"),
    RegisterExternal(canonical_identity(OLDER_USERNAME), "name@example.com"),
    RegisterOrganization(ORG, "Eksempel AS", *OFFICIAL),
    RegisterOrganization(LONELY),
    RegisterUser(ORG, 1, "daglig.leder@example.com", resources=(RESOURCE,)),
    RegisterUser(ORG, 2, None, "+4740000000"),
)


async def fill_register(pool: Pool) -> None:
    """Import them into Varsel's own register."""
    import_id = await contact_imports.begin(pool, now=datetime(2026, 5, 4, tzinfo=UTC))
    lines = [ListedLine(number, (entry,)) for number, entry in enumerate(REGISTER, start=1)]
    await contact_imports.store(pool, import_id, lines)
    await contact_imports.end(pool, import_id)


def official(number: str = ORG) -> OrganizationContact:
    """Return what is known about an organisation."""
    return OrganizationContact(number, 0, *(OFFICIAL if number == ORG else ((), ())))
