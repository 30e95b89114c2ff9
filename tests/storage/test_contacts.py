"""The contact register in the database: imports in sets, and look-ups that go through indexes only."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from varsel.errors import StorageError
from varsel.model.contacts import ExternalContact, OrganizationContact, PartyName, PersonContact, UserContact
from varsel.model.ids import lowest_id
from varsel.model.register import (
    ListedLine,
    RefusedLine,
    RegisterEntry,
    RegisterExternal,
    RegisterKind,
    RegisterOrganization,
    RegisterPerson,
    RegisterUser,
    Tally,
)
from varsel.storage import queries
from varsel.storage.contact_imports import SetOutcome, begin, end, remove_unlisted, store
from varsel.storage.contacts import ContactRegister
from varsel.storage.pool import Pool

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
KARI, OLA, STRANGER, ORG, OTHER = "16069412345", "10987654321", "00000000000", "310123456", "310123457"
SELF = "urn:altinn:person:idporten-email:kari@example.com"
EVERYTHING: list[RegisterEntry] = [
    RegisterPerson(KARI, "Kari Nordmann", "kari@example.com", "+4799999999", confirmed=date(2026, 1, 31)),
    RegisterPerson(OLA, is_reserved=True),
    RegisterExternal(SELF, "kari@example.com"),
    RegisterOrganization(ORG, "Eksempel AS", ("post@example.com", "x@example.com"), ("+4740000001",)),
    RegisterUser(ORG, 1, "leder@example.com", resources=("my-resource", "another")),
    RegisterUser(ORG, 2, None, "+4740000000"),
    RegisterUser(ORG, 3, "nobody@example.com", resources=()),
]
PERSON, EXTERNAL, ORGANIZATION, USER = RegisterKind


def lines(*entries: RegisterEntry, first: int = 1) -> list[ListedLine]:
    return [ListedLine(number, (entry,)) for number, entry in enumerate(entries, start=first)]


async def fill(pool: Pool, *entries: RegisterEntry) -> SetOutcome:
    """Import `entries` as a file of their own."""
    import_id = await begin(pool, now=NOW)
    outcome = await store(pool, import_id, lines(*entries))
    await end(pool, import_id)
    return outcome


@pytest.fixture
def register(pool: Pool) -> ContactRegister:
    return ContactRegister(pool)


async def everything_in(register: ContactRegister) -> list[RegisterEntry]:
    return await register.entries([KARI, OLA, SELF, ORG, OTHER])


async def test_what_is_stored_is_kept_as_it_was(pool: Pool, register: ContactRegister) -> None:
    outcome = await fill(pool, *EVERYTHING)
    assert outcome.tallies == {PERSON: Tally(2), EXTERNAL: Tally(1), ORGANIZATION: Tally(1), USER: Tally(3)}
    assert outcome.repeated == {}
    assert outcome.keys == len(EVERYTHING)
    kept = await everything_in(register)
    assert sorted(kept, key=lambda entry: entry.key) == sorted(EVERYTHING, key=lambda entry: entry.key)
    assert await register.sizes() == {PERSON: 2, EXTERNAL: 1, ORGANIZATION: 1, USER: 3}


async def test_the_same_again_changes_no_row(pool: Pool) -> None:
    await fill(pool, *EVERYTHING)
    before = await versions(pool)
    outcome = await fill(pool, *reversed(EVERYTHING))
    assert {kind: (tally.unchanged, tally.listed) for kind, tally in outcome.tallies.items()} == {
        PERSON: (2, 2),
        EXTERNAL: (1, 1),
        ORGANIZATION: (1, 1),
        USER: (3, 3),
    }
    assert await versions(pool) == before


async def versions(pool: Pool) -> list[tuple[object, ...]]:
    """Tell which transactions wrote and locked each row."""
    tables = ("persons", "external_identities", "organizations", "users")
    rows = [await pool.fetch(f"SELECT ctid, xmin, xmax FROM register_{table} ORDER BY ctid") for table in tables]
    return [tuple(row) for found in rows for row in found]


@pytest.mark.parametrize(
    ("kept", "changed"),
    [
        (RegisterPerson(KARI, email="a@example.com"), RegisterPerson(KARI, email="b@example.com")),
        (RegisterPerson(KARI, "Kari", mobile_number="+4799999999"), RegisterPerson(KARI)),
        (RegisterPerson(KARI), RegisterPerson(KARI, "Kari", "a@example.com", "+4799999999")),
        (RegisterPerson(KARI), RegisterPerson(KARI, is_reserved=True)),
        (RegisterPerson(KARI), RegisterPerson(KARI, is_stale=True)),
        (RegisterPerson(KARI), RegisterPerson(KARI, confirmed=date(2026, 1, 1))),
        (RegisterExternal(SELF), RegisterExternal(SELF, "a@example.com")),
        (RegisterExternal(SELF), RegisterExternal(SELF, None, "+4799999999")),
        (RegisterOrganization(ORG), RegisterOrganization(ORG, "Eksempel AS")),
        (RegisterOrganization(ORG, None, ("a@example.com",)), RegisterOrganization(ORG, None, ("b@example.com",))),
        (RegisterOrganization(ORG, None, (), ("+4799999999",)), RegisterOrganization(ORG)),
        (RegisterUser(ORG, 1), RegisterUser(ORG, 1, "a@example.com")),
        (RegisterUser(ORG, 1), RegisterUser(ORG, 1, None, "+4799999999")),
        (RegisterUser(ORG, 1), RegisterUser(ORG, 1, resources=())),
        (RegisterUser(ORG, 1, resources=("a",)), RegisterUser(ORG, 1, resources=("a", "b"))),
    ],
)
async def test_every_difference_is_an_update(
    pool: Pool, register: ContactRegister, kept: RegisterEntry, changed: RegisterEntry
) -> None:
    await fill(pool, kept)
    outcome = await fill(pool, changed)
    assert outcome.tallies == {kept.kind: Tally(updated=1)}
    assert await everything_in(register) == [changed]


async def test_of_lines_about_the_same_the_first_counts(pool: Pool, register: ContactRegister) -> None:
    import_id = await begin(pool, now=NOW)
    first, second = RegisterPerson(KARI, "first"), RegisterPerson(KARI, "second")
    outcome = await store(pool, import_id, lines(first, RegisterPerson(OLA), second))
    assert outcome.repeated == {3: 1}
    outcome = await store(pool, import_id, lines(second, RegisterUser(ORG, 1), first=4))
    assert outcome.repeated == {4: 1}
    assert outcome.tallies == {USER: Tally(1)}
    assert outcome.keys == 1
    assert (await register.entries([KARI])) == [first]


async def test_a_line_that_repeats_something_is_left_out_whole(pool: Pool, register: ContactRegister) -> None:
    import_id = await begin(pool, now=NOW)
    nested = ListedLine(2, (RegisterOrganization(ORG), RegisterUser(ORG, 1, "late@example.com")))
    outcome = await store(pool, import_id, [*lines(RegisterUser(ORG, 1)), nested])
    assert outcome.repeated == {2: 1}
    assert await register.entries([ORG]) == [RegisterUser(ORG, 1)]


async def test_a_set_is_stored_whole_or_not_at_all(pool: Pool, register: ContactRegister) -> None:
    import_id = await begin(pool, now=NOW)
    broken = [*lines(RegisterPerson(KARI)), *lines(RegisterUser(ORG, 2**70), first=2)]
    with pytest.raises(StorageError, match=r"could not be written \(NumericValueOutOfRangeError\)"):
        await store(pool, import_id, broken)
    assert await everything_in(register) == []
    assert (await store(pool, import_id, lines(RegisterPerson(KARI)))).repeated == {}


async def test_imports_side_by_side_keep_out_of_each_others_way(pool: Pool, register: ContactRegister) -> None:
    many = [RegisterPerson(f"{number:011}", email="a@example.com") for number in range(400)]
    await asyncio.gather(*(fill(pool, *some) for some in (many, many[::-1], many[200:], many[:200])))
    assert (await register.sizes())[PERSON] == 400


async def replace(
    pool: Pool, entries: Sequence[RegisterEntry], kinds: Sequence[RegisterKind], *, refused: Sequence[RefusedLine] = ()
) -> dict[RegisterKind, int]:
    import_id = await begin(pool, now=NOW)
    outcome = await store(pool, import_id, lines(*entries), refused)
    removed = await remove_unlisted(pool, import_id, kinds, keys=outcome.keys)
    await end(pool, import_id)
    return dict(removed)


async def test_what_is_not_listed_is_removed(pool: Pool, register: ContactRegister) -> None:
    await fill(pool, *EVERYTHING, RegisterOrganization(OTHER), RegisterExternal("urn:altinn:username:ola"))
    listed = [EVERYTHING[0], EVERYTHING[2], EVERYTHING[3], EVERYTHING[4]]
    assert await replace(pool, listed, list(RegisterKind)) == {PERSON: 1, EXTERNAL: 1, ORGANIZATION: 1, USER: 2}
    assert await everything_in(register) == listed


async def test_only_the_kinds_asked_for_are_removed(pool: Pool, register: ContactRegister) -> None:
    await fill(pool, *EVERYTHING)
    assert await replace(pool, [RegisterPerson(STRANGER)], [PERSON]) == {PERSON: 2}
    assert await everything_in(register) == EVERYTHING[2:]


async def test_whom_a_bad_line_is_about_is_not_removed(pool: Pool, register: ContactRegister) -> None:
    await fill(pool, *EVERYTHING)
    bad = [RefusedLine(7, "bad", (KARI,)), RefusedLine(8, "bad", (ORG, f"{ORG}/2"))]
    removed = await replace(pool, [RegisterPerson(STRANGER)], [PERSON, ORGANIZATION, USER], refused=bad)
    assert removed == {PERSON: 1, ORGANIZATION: 0, USER: 2}
    assert [entry.key for entry in await everything_in(register)] == [KARI, SELF, ORG, f"{ORG}/2"]


async def test_nothing_is_removed_when_what_was_met_is_lost(pool: Pool, register: ContactRegister) -> None:
    await fill(pool, *EVERYTHING)
    import_id = await begin(pool, now=NOW)
    outcome = await store(pool, import_id, lines(RegisterPerson(KARI)))
    await pool.execute("TRUNCATE register_import_keys")  # as a crash of the server does with an unlogged table
    with pytest.raises(StorageError, match="Nothing was removed"):
        await remove_unlisted(pool, import_id, [PERSON], keys=outcome.keys)
    assert (await register.sizes())[PERSON] == 2


async def test_an_ended_import_leaves_no_keys_and_an_abandoned_one_is_forgotten_later(pool: Pool) -> None:
    await fill(pool, *EVERYTHING)
    assert await keys_of_imports(pool) == set()
    abandoned, recent = lowest_id(NOW - timedelta(days=8)), lowest_id(NOW - timedelta(days=6))
    for import_id in (abandoned, recent):
        await store(pool, import_id, lines(RegisterPerson(KARI)))
    await begin(pool, now=NOW)
    assert await keys_of_imports(pool) == {recent}


async def keys_of_imports(pool: Pool) -> set[UUID]:
    return {row["import_id"] for row in await pool.fetch("SELECT import_id FROM register_import_keys")}


async def test_persons_are_found(pool: Pool, register: ContactRegister) -> None:
    await fill(pool, *EVERYTHING)
    found = await register.persons([KARI, OLA, STRANGER], use_stale=False, today=TODAY)
    assert sorted(found, key=lambda person: person.national_identity_number) == [
        PersonContact(OLA, True),
        PersonContact(KARI, False, "kari@example.com", "+4799999999"),
    ]


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        (RegisterPerson(KARI, email="a@example.com", is_stale=True), None),
        (RegisterPerson(KARI, email="a@example.com", confirmed=date(2024, 11, 3)), None),
        (RegisterPerson(KARI, email="a@example.com", confirmed=date(2024, 11, 4)), "a@example.com"),
        (RegisterPerson(KARI, email="a@example.com", is_stale=True, confirmed=date(2026, 5, 3)), None),
    ],
)
async def test_what_is_stale_is_withheld_unless_asked_for(
    pool: Pool, register: ContactRegister, entry: RegisterPerson, found: str | None
) -> None:
    await fill(pool, entry)
    persons = await register.persons([KARI], use_stale=False, today=date(2026, 5, 4))
    assert [person.email for person in persons] == ([found] if found else [])
    assert await register.persons([KARI], use_stale=True, today=TODAY) == [PersonContact(KARI, False, "a@example.com")]


async def test_that_a_person_is_reserved_is_never_withheld(pool: Pool, register: ContactRegister) -> None:
    await fill(pool, RegisterPerson(KARI, email="a@example.com", is_reserved=True, is_stale=True))
    assert await register.persons([KARI], use_stale=False, today=TODAY) == [PersonContact(KARI, True)]
    assert await register.persons([KARI], use_stale=True, today=TODAY) == [PersonContact(KARI, True, "a@example.com")]


async def test_organisations_users_identities_and_names_are_found(pool: Pool, register: ContactRegister) -> None:
    await fill(pool, *EVERYTHING)
    asked = [STRANGER, ORG, SELF, KARI, OLA]
    assert await register.external_identities(asked) == [ExternalContact(SELF, "kari@example.com")]
    assert await register.organizations(asked) == [
        OrganizationContact(ORG, 0, ("post@example.com", "x@example.com"), ("+4740000001",))
    ]
    names = await register.names(persons=asked, organizations=asked)
    assert sorted(names, key=lambda party: party.identifier) == [
        PartyName(OLA, None),
        PartyName(KARI, "Kari Nordmann"),
        PartyName(ORG, "Eksempel AS"),
    ]


async def test_users_are_those_authorised_and_every_known_organisation_is_answered(
    pool: Pool, register: ContactRegister
) -> None:
    only_users = RegisterUser("310123458", 7, resources=("another",))
    await fill(pool, *EVERYTHING, RegisterOrganization(OTHER), only_users)
    leader, clerk = UserContact(1, "leder@example.com"), UserContact(2, None, "+4740000000")
    asked = [ORG, OTHER, "310123458", "999999999"]
    assert await register.user_contacts(asked, resource_id="my-resource") == {
        ORG: [leader, clerk],
        OTHER: [],
        "310123458": [],
    }
    assert (await register.user_contacts(asked, resource_id="unheard-of"))[ORG] == [clerk]


LOOK_UPS = ["persons", "external_identities", "organizations", "user_contacts", "names"]


@pytest.mark.parametrize("statement", LOOK_UPS)
async def test_look_ups_read_no_table_whole(pool: Pool, statement: str) -> None:
    thousand = [f"{number:011}" for number in range(1000)]
    await fill(pool, *(RegisterPerson(number, "Kari", "kari@example.com") for number in thousand))
    arguments: dict[str, dict[str, object]] = {
        "persons": {"identifiers": thousand, "use_stale": False, "today": TODAY},
        "external_identities": {"identifiers": thousand},
        "organizations": {"numbers": thousand},
        "user_contacts": {"numbers": thousand, "resource_id": "my-resource"},
        "names": {"persons": thousand, "organizations": thousand},
    }
    sql, *values = queries.load("contacts")[statement].of(**arguments[statement])
    answer = await pool.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values)
    scans = [node for node in nodes_of(json.loads(answer)[0]["Plan"]) if "Relation Name" in node]
    assert scans
    for scan in scans:
        assert scan["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}


@pytest.mark.parametrize("use_stale", [False, True])
async def test_persons_are_read_from_the_index_alone(pool: Pool, use_stale: bool) -> None:
    asked = [f"{number:011}" for number in range(1000)]
    await fill(pool, *(RegisterPerson(number, "Kari", "kari@example.com") for number in asked))
    await pool.execute("VACUUM (ANALYZE) register_persons")
    persons = queries.load("contacts")["persons"]
    sql, *values = persons.of(identifiers=asked, use_stale=use_stale, today=TODAY)
    answer = await pool.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *values)
    (scan,) = (node for node in nodes_of(json.loads(answer)[0]["Plan"]) if "Relation Name" in node)
    assert (scan["Node Type"], scan["Heap Fetches"]) == ("Index Only Scan", 0)


def nodes_of(plan: dict[str, object]) -> list[dict[str, object]]:
    below = plan.get("Plans", [])
    assert isinstance(below, list)
    return [plan, *(node for child in below for node in nodes_of(child))]


async def test_a_failing_read_does_not_repeat_what_was_asked(pool: Pool, register: ContactRegister) -> None:
    await pool.execute("DROP TABLE register_persons")
    with pytest.raises(StorageError, match=r"could not be read \(UndefinedTableError\)") as caught:
        await register.persons([KARI], use_stale=False, today=TODAY)
    assert KARI not in str(caught.value)
