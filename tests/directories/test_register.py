"""The register directory: what it makes of the register, and what of a register that does not answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from varsel.contacts.protocol import Directory
from varsel.contacts.register import RegisterDirectory
from varsel.errors import DependencyFailure, StorageError
from varsel.model.clock import HandTurnedClock
from varsel.model.contacts import ExternalContact, OrganizationContact, PartyName, PersonContact, UserContact
from varsel.model.register import (
    ListedLine,
    RegisterEntry,
    RegisterExternal,
    RegisterKind,
    RegisterOrganization,
    RegisterPerson,
    RegisterUser,
)
from varsel.storage.contact_imports import begin, store
from varsel.storage.contacts import ContactRegister
from varsel.storage.pool import Pool

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
KARI, OLA, STRANGER, ORG = "16069412345", "10987654321", "00000000000", "310123456"
SELF = "urn:altinn:person:idporten-email:kari@example.com"
ENTRIES: list[RegisterEntry] = [
    RegisterPerson(KARI, "Kari Nordmann", "kari@example.com", "99999999", confirmed=date(2026, 5, 1)),
    RegisterPerson(OLA, None, "ola@example.com", is_stale=True),
    RegisterExternal(SELF, "kari@example.com"),
    RegisterOrganization(ORG, "Eksempel AS", ("post@example.com",), ("+4740000001",)),
    RegisterUser(ORG, 1, "leder@example.com", resources=("my-resource",)),
    RegisterUser(ORG, 2, None, "+4740000000"),
]


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(NOW)


async def fill(pool: Pool, entries: Sequence[RegisterEntry]) -> None:
    import_id = await begin(pool, now=NOW)
    await store(pool, import_id, [ListedLine(number, (entry,)) for number, entry in enumerate(entries, start=1)])


@pytest.fixture
async def directory(pool: Pool, clock: HandTurnedClock) -> Directory:
    await fill(pool, ENTRIES)
    return RegisterDirectory(ContactRegister(pool), clock)


async def test_persons(directory: Directory) -> None:
    kari = PersonContact(KARI, False, "kari@example.com", "99999999")
    assert await directory.persons({KARI, OLA, STRANGER}, use_stale=False) == {KARI: kari}
    everybody = await directory.persons({KARI, OLA, STRANGER}, use_stale=True)
    assert everybody == {KARI: kari, OLA: PersonContact(OLA, False, "ola@example.com")}


async def test_contact_data_grows_stale_with_the_clock(directory: Directory, clock: HandTurnedClock) -> None:
    clock.turn_to(datetime(2027, 11, 1, 23, 59, tzinfo=UTC))
    assert set(await directory.persons([KARI], use_stale=False)) == {KARI}
    clock.turn(timedelta(minutes=1))
    assert await directory.persons([KARI], use_stale=False) == {}


async def test_external_identities_are_keyed_as_asked(directory: Directory) -> None:
    found = await directory.external_identities([SELF, SELF.upper(), "urn:altinn:username:nobody"])
    assert found == dict.fromkeys((SELF, SELF.upper()), ExternalContact(SELF, "kari@example.com"))


async def test_an_identity_that_no_database_can_hold_is_unknown(directory: Directory) -> None:
    assert set(await directory.external_identities([SELF, f"{SELF}\0"])) == {SELF}


async def test_organisations_and_their_users(directory: Directory) -> None:
    official = OrganizationContact(ORG, 0, ("post@example.com",), ("+4740000001",))
    assert await directory.organizations([ORG, "999999999"]) == {ORG: official}
    leader, clerk = UserContact(1, "leder@example.com"), UserContact(2, None, "+4740000000")
    asked = [ORG, "999999999"]
    found = await directory.user_contacts(asked, resource_id="my-resource", resource_action="read")
    assert found == {ORG: [leader, clerk]}
    assert await directory.user_contacts(asked, resource_id="other", resource_action="read") == {ORG: [clerk]}


async def test_names(directory: Directory) -> None:
    found = await directory.names(
        organization_numbers=[ORG, "999999999"], national_identity_numbers=[KARI, OLA, STRANGER]
    )
    assert found == {
        ORG: PartyName(ORG, "Eksempel AS"),
        KARI: PartyName(KARI, "Kari Nordmann"),
        OLA: PartyName(OLA, None),
    }


async def test_the_check_counts_and_closing_is_harmless(directory: Directory, pool: Pool) -> None:
    held = "2 persons, 1 external identities, 1 organisations, 2 user contacts"
    assert await directory.check() == f"Varsel's own register holds {held}"
    await directory.close()
    assert set(await directory.persons([KARI], use_stale=False)) == {KARI}
    await pool.execute(
        "TRUNCATE register_persons, register_external_identities, register_organizations, register_users"
    )
    assert (await directory.check()).endswith("0 user contacts; fill it with: varsel contacts import FILE")


class _Counting:
    """A register of everybody, which remembers how many were asked for at a time."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def persons(self, numbers: Sequence[str], *, use_stale: bool, today: date) -> Sequence[PersonContact]:  # noqa: ARG002 - the protocol's
        self.asked.append(len(numbers))
        return [PersonContact(number) for number in numbers]

    async def external_identities(self, folded: Sequence[str]) -> Sequence[ExternalContact]:
        self.asked.append(len(folded))
        return [ExternalContact(identity) for identity in folded]

    async def organizations(self, numbers: Sequence[str]) -> Sequence[OrganizationContact]:
        self.asked.append(len(numbers))
        return [OrganizationContact(number) for number in numbers]

    async def user_contacts(self, numbers: Sequence[str], *, resource_id: str) -> Mapping[str, Sequence[UserContact]]:  # noqa: ARG002 - the protocol's
        self.asked.append(len(numbers))
        return {number: [] for number in numbers}

    async def names(self, *, persons: Sequence[str], organizations: Sequence[str]) -> Sequence[PartyName]:
        self.asked.append(len(persons) + len(organizations))
        return [PartyName(identifier) for identifier in (*persons, *organizations)]

    async def sizes(self) -> Mapping[RegisterKind, int]:
        return {}


Ask = Callable[[Directory, list[str]], Awaitable[Mapping[str, object]]]
QUESTIONS: dict[str, Ask] = {
    "persons": lambda directory, asked: directory.persons(asked, use_stale=False),
    "external_identities": lambda directory, asked: directory.external_identities(asked),
    "organizations": lambda directory, asked: directory.organizations(asked),
    "user_contacts": lambda directory, asked: directory.user_contacts(asked, resource_id="r", resource_action="read"),
    "names": lambda directory, asked: directory.names(organization_numbers=asked, national_identity_numbers=[]),
    "names of persons": lambda directory, asked: directory.names(
        organization_numbers=[], national_identity_numbers=asked
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_many_are_asked_for_in_sets_and_nobody_in_none(question: str, clock: HandTurnedClock) -> None:
    register = _Counting()
    directory = RegisterDirectory(register, clock)
    asked = [f"{number:011}" for number in range(2500)]
    assert list(await QUESTIONS[question](directory, asked)) == asked
    assert sorted(register.asked) == [500, 1000, 1000]
    assert await QUESTIONS[question](directory, []) == {}
    assert len(register.asked) == 3


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_database_that_does_not_answer_is_a_failure_of_the_dependency(
    question: str, pool: Pool, clock: HandTurnedClock
) -> None:
    directory = RegisterDirectory(ContactRegister(pool), clock)
    await pool.close()
    with pytest.raises(DependencyFailure) as caught:
        await QUESTIONS[question](directory, [KARI])
    assert caught.value.dependency == "register"
    assert caught.value.operation in QUESTIONS
    assert isinstance(caught.value.__cause__, StorageError)
    assert KARI not in str(caught.value)
