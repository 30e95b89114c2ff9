"""What every directory must do, whichever it is (contacts/protocol.py)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.directories.asking import AT_ONCE, START, altinn_directory
from tests.directories.population import (
    CLERK,
    EXTERNAL,
    KARI,
    LONELY,
    MANAGER,
    NAMES,
    NOBODY,
    OLA,
    ORG,
    PERSONS,
    RESOURCE,
    SELF,
    SPELLINGS,
    STALE,
    STALE_PERSON,
    STRANGER,
    fill_register,
    official,
    populate,
    write_file,
)
from tests.support.altinn import Altinn
from varsel.contacts.fixed import FixedDirectory
from varsel.contacts.protocol import Directory, Told
from varsel.contacts.register import RegisterDirectory
from varsel.contacts.registry import DIRECTORIES
from varsel.contacts.sequence import DirectorySequence
from varsel.contacts.sparing import SparingDirectory, SparingOptions
from varsel.model.clock import HandTurnedClock
from varsel.storage.contacts import ContactRegister
from varsel.storage.pool import Pool

Making = AbstractAsyncContextManager[Directory]


@asynccontextmanager
async def fixed(folder: Path) -> AsyncIterator[Directory]:
    yield FixedDirectory(write_file(folder / "directory.json"))


@asynccontextmanager
async def altinn(_folder: Path) -> AsyncIterator[Directory]:
    async with Altinn() as server:
        populate(server)
        directory = altinn_directory(server)
        yield directory
        await directory.close()


@asynccontextmanager
async def register(pool: Pool) -> AsyncIterator[Directory]:
    await fill_register(pool)
    yield RegisterDirectory(ContactRegister(pool), HandTurnedClock(START))


@asynccontextmanager
async def sparing_fixed(folder: Path) -> AsyncIterator[Directory]:
    async with fixed(folder) as inner:
        yield _sparing(inner)


@asynccontextmanager
async def sparing_altinn(folder: Path) -> AsyncIterator[Directory]:
    async with altinn(folder) as inner:
        yield _sparing(inner)


@asynccontextmanager
async def sequence(folder: Path) -> AsyncIterator[Directory]:
    async with fixed(folder) as last:
        yield DirectorySequence([FixedDirectory(None), last])


@asynccontextmanager
async def sparing_sequence(folder: Path) -> AsyncIterator[Directory]:
    async with sequence(folder) as inner:
        yield _sparing(inner)


@asynccontextmanager
async def sparing_register(pool: Pool) -> AsyncIterator[Directory]:
    async with register(pool) as inner:
        yield _sparing(inner)


def _sparing(inner: Directory) -> Directory:
    return SparingDirectory(inner, HandTurnedClock(START), SparingOptions(gathering=AT_ONCE))


MAKERS: dict[str, Callable[[Path], Making]] = {
    "fixed": fixed,
    "altinn": altinn,
    "sparing(fixed)": sparing_fixed,
    "sparing(altinn)": sparing_altinn,
    "sequence": sequence,
    "sparing(sequence)": sparing_sequence,
}
ON_A_DATABASE: dict[str, Callable[[Pool], Making]] = {"register": register, "sparing(register)": sparing_register}


@pytest.fixture(params=[*MAKERS, *ON_A_DATABASE])
def making(request: pytest.FixtureRequest, tmp_path: Path) -> Making:
    """Give what makes a directory; only those on a database wait for one."""
    if request.param in ON_A_DATABASE:
        return ON_A_DATABASE[request.param](request.getfixturevalue("pool"))
    return MAKERS[request.param](tmp_path)


@pytest.fixture
async def directory(making: Making) -> AsyncIterator[Directory]:
    async with making as made:
        yield made


def test_every_registered_directory_is_in_this_suite() -> None:
    assert set(DIRECTORIES) <= {*MAKERS, *ON_A_DATABASE}


async def test_persons(directory: Directory) -> None:
    asked = frozenset({KARI, OLA, STALE, STRANGER})
    for _ in range(2):  # a second time, from memory if there is any
        assert await directory.persons(asked, use_stale=False) == PERSONS
        assert await directory.persons(asked, use_stale=True) == PERSONS | {STALE: STALE_PERSON}


async def test_external_identities_are_found_in_any_letter_case_and_keyed_as_asked(directory: Directory) -> None:
    asked = [SELF, SELF.upper(), "urn:altinn:username:nobody"]
    for _ in range(2):
        assert await directory.external_identities(asked) == {SELF: EXTERNAL, SELF.upper(): EXTERNAL}


async def test_external_identities_are_found_in_any_spelling_and_keyed_as_asked(directory: Directory) -> None:
    for _ in range(2):
        found = await directory.external_identities(list(SPELLINGS))
        assert {identity: contact.email for identity, contact in found.items()} == SPELLINGS


async def test_organizations(directory: Directory) -> None:
    for _ in range(2):
        found = await directory.organizations({ORG, LONELY, NOBODY})
        assert found == {ORG: official(), LONELY: official(LONELY)}


async def test_only_authorised_users_are_told_of(directory: Directory) -> None:
    for _ in range(2):
        for resource, users in {RESOURCE: [MANAGER, CLERK], "other": [CLERK]}.items():
            found = await directory.user_contacts([ORG, LONELY, NOBODY], resource_id=resource, resource_action="read")
            assert found == {ORG: users, LONELY: []}


async def test_names(directory: Directory) -> None:
    for _ in range(2):
        found = await directory.names(
            organization_numbers=[ORG, NOBODY], national_identity_numbers=[KARI, STALE, STRANGER]
        )
        assert found == NAMES


async def test_nothing_is_known_about_nobody(directory: Directory) -> None:
    assert await directory.persons([], use_stale=False) == {}
    assert await directory.external_identities([]) == {}
    assert await directory.organizations([]) == {}
    assert await directory.user_contacts([], resource_id=RESOURCE, resource_action="read") == {}
    assert await directory.names(organization_numbers=[], national_identity_numbers=[]) == {}


async def test_large_questions(directory: Directory) -> None:
    crowd = [f"{number:011}" for number in range(2600)]
    assert await directory.persons([*crowd, KARI], use_stale=False) == {KARI: PERSONS[KARI]}
    assert await directory.names(organization_numbers=[ORG], national_identity_numbers=crowd) == {ORG: NAMES[ORG]}


async def test_many_questions_at_the_same_time(directory: Directory) -> None:
    questions = [[KARI], [KARI, OLA], [STRANGER], [OLA, STRANGER]] * 5
    answers = await asyncio.gather(*(directory.persons(asked, use_stale=False) for asked in questions))
    assert answers == [{number: PERSONS[number] for number in asked if number in PERSONS} for asked in questions]


async def test_answers_that_tell_where_they_are_from_do_so_for_everybody_asked_about(directory: Directory) -> None:
    found = await directory.persons([KARI, STRANGER], use_stale=False)
    if isinstance(found, Told):
        assert set(found.origins) == {KARI, STRANGER}
        assert {origin.at for origin in found.origins.values()} <= {None, START}


async def test_the_check_says_something_and_closing_is_harmless(directory: Directory) -> None:
    assert await directory.check()
    await directory.close()
