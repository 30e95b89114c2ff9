"""The fixed directory and its file, and asking a directory everything at once."""

import asyncio
import json
import logging
import os
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pytest

from varsel.contacts.ask import ask
from varsel.contacts.fixed import FixedDirectory
from varsel.contacts.protocol import Directory
from varsel.errors import DependencyFailure, SettingsError
from varsel.model.contacts import ExternalContact, OrganizationContact, PartyName, PersonContact, UserContact
from varsel.model.recipients import Answers, Questions

KARI, OLA, STALE, STRANGER = "16069412345", "10987654321", "12345678901", "00000000000"
ORG = "310123456"
SELF = "urn:altinn:person:idporten-email:kari@example.com"
DOCUMENT = Path(__file__).parents[2] / "docs" / "directory-file.md"
EXAMPLE = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "directory.json"
    path.write_text(EXAMPLE, encoding="utf-8")
    return path


@pytest.fixture
def directory(file: Path) -> Directory:
    return FixedDirectory(file)


def replace(path: Path, text: str) -> None:
    """Replace the file in one step, as the document advises."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def overwrite(path: Path, text: str, *, later_by: int) -> None:
    """Write into the same file and set its time of change to so many nanoseconds after the last one."""
    before = path.stat().st_mtime_ns
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before, before + later_by))


def remove(path: Path) -> None:
    path.unlink()


async def test_persons_of_the_documented_example(directory: Directory) -> None:
    found = await directory.persons([KARI, OLA, STALE, STRANGER], use_stale=False)
    assert found == {
        KARI: PersonContact(KARI, False, "kari@example.com", "+4799999999"),
        OLA: PersonContact(OLA, True),
    }
    assert set(await directory.persons([STALE, STRANGER], use_stale=True)) == {STALE}


async def test_external_identities_are_keyed_as_asked(directory: Directory) -> None:
    asked = SELF.upper()
    found = await directory.external_identities([asked, "urn:altinn:username:nobody"])
    assert found == {asked: ExternalContact(SELF, "kari@example.com")}


async def test_organisations_and_their_users(directory: Directory) -> None:
    official = await directory.organizations([ORG, "999999999"])
    assert official == {ORG: OrganizationContact(ORG, 0, ("post@example.com",), ("+4740000001",))}
    manager, clerk = UserContact(1, "daglig.leder@example.com"), UserContact(2, None, "+4740000000")
    assert await directory.user_contacts([ORG], resource_id="my-resource", resource_action="read") == {
        ORG: [manager, clerk]
    }
    assert await directory.user_contacts([ORG], resource_id="other", resource_action="read") == {ORG: [clerk]}


async def test_names(directory: Directory) -> None:
    found = await directory.names(organization_numbers=[ORG, "999999999"], national_identity_numbers=[KARI, STALE])
    assert found == {
        ORG: PartyName(ORG, "Eksempel AS"),
        KARI: PartyName(KARI, "Kari Nordmann"),
        STALE: PartyName(STALE, None),
    }


async def test_the_check_counts_and_closing_is_harmless(directory: Directory) -> None:
    assert "3 persons, 1 organisations, 1 external identities" in await directory.check()
    await directory.close()


@pytest.mark.parametrize("missing", [True, False])
async def test_without_a_file_everybody_is_unknown(tmp_path: Path, missing: bool) -> None:
    directory = FixedDirectory(tmp_path / "nowhere.json" if missing else None)
    assert await directory.persons([KARI], use_stale=True) == {}
    assert await directory.names(organization_numbers=[ORG], national_identity_numbers=[KARI]) == {}


async def test_a_changed_file_is_read_again(file: Path, directory: Directory) -> None:
    replace(file, '{"persons": [{"nationalIdentityNumber": "00000000000"}]}')
    assert set(await directory.persons([KARI, STRANGER], use_stale=False)) == {STRANGER}
    replace(file, EXAMPLE)
    assert set(await directory.persons([KARI, STRANGER], use_stale=False)) == {KARI}


async def test_a_change_is_noticed_by_its_time_alone(file: Path, directory: Directory) -> None:
    overwrite(file, EXAMPLE.replace("kari@example.com", "kari@example.org"), later_by=1)
    assert (await directory.persons([KARI], use_stale=False))[KARI].email == "kari@example.org"


async def test_a_change_is_noticed_although_size_and_time_stay(file: Path, directory: Directory) -> None:
    """So is one of permissions alone, which moves the same time of the last change of status."""
    overwrite(file, EXAMPLE.replace(KARI, STRANGER), later_by=0)
    assert set(await directory.persons([KARI, STRANGER], use_stale=False)) == {STRANGER}


async def test_a_file_that_appears_later_is_read(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    directory = FixedDirectory(path)
    assert await directory.persons([KARI], use_stale=False) == {}
    replace(path, EXAMPLE)
    assert set(await directory.persons([KARI], use_stale=False)) == {KARI}


def lose_folder(path: Path) -> None:
    """Put something else in the place of the file's folder, so that it cannot even be looked at."""
    remove(path)
    path.parent.rmdir()
    path.parent.write_text("", encoding="utf-8")


def become_folder(path: Path) -> None:
    remove(path)
    path.mkdir()


@pytest.mark.parametrize(
    ("lose", "says"), [(remove, "has vanished"), (lose_folder, "cannot be read"), (become_folder, "cannot be read")]
)
async def test_a_file_that_is_lost_leaves_the_last_good_content(
    tmp_path: Path, lose: Callable[[Path], None], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mounted" / "directory.json"
    path.parent.mkdir()
    path.write_text(EXAMPLE, encoding="utf-8")
    directory = FixedDirectory(path)
    lose(path)
    for _ in range(3):
        assert set(await directory.persons([KARI], use_stale=False)) == {KARI}
    assert len(caplog.records) == 1
    assert f"{path} {says}" in caplog.text
    assert "the last good content stays in use" in caplog.text


async def test_a_file_that_comes_back_is_read(file: Path, directory: Directory) -> None:
    remove(file)
    assert set(await directory.persons([KARI], use_stale=False)) == {KARI}
    replace(file, EXAMPLE.replace(KARI, STRANGER))
    assert set(await directory.persons([KARI, STRANGER], use_stale=False)) == {STRANGER}


async def test_a_file_that_becomes_wrong_leaves_the_last_good_content(
    file: Path, directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    replace(file, '{"persons": [{}]}')
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert set(await directory.persons([KARI], use_stale=False)) == {KARI}
    assert len(caplog.records) == 1
    assert "the last good content stays in use" in caplog.text
    assert "$.persons[0]" in caplog.text
    replace(file, EXAMPLE.replace(KARI, STRANGER))
    assert set(await directory.persons([KARI, STRANGER], use_stale=False)) == {STRANGER}


def person(**members: object) -> dict[str, Any]:
    return {"persons": [{"nationalIdentityNumber": KARI} | members]}


def organization(**members: object) -> dict[str, Any]:
    return {"organizations": [{"organizationNumber": ORG} | members]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "Input data was truncated"),
        ("[]", "Expected `object`"),
        ('{"people": []}', "unknown field `people`"),
        ('{"persons": [{"nationalIdentityNumber": "1"}]}', "at `$.persons[0].nationalIdentityNumber`"),
        (person(isReserved="yes"), "Expected `bool`, got `str` - at `$.persons[0].isReserved`"),
        (person(email="secret at home"), "persons[0].email: expected an e-mail address"),
        (person(mobileNumber="12345"), "persons[0].mobileNumber: expected a mobile number"),
        ({"persons": [*person()["persons"], *person()["persons"]]}, "persons[1].nationalIdentityNumber: expected one"),
        (organization(emails=["a@example.com", ""]), "organizations[0].emails[1]: expected an e-mail"),
        (organization(mobileNumbers=["x"]), "organizations[0].mobileNumbers[0]: expected a mobile number"),
        (organization(users=[{"userId": 1, "email": "x"}]), "organizations[0].users[0].email: expected an e-mail"),
        (organization(users=[{"userId": 1}, {"userId": 1}]), "organizations[0].users[1].userId: expected one"),
        (
            {"externalIdentities": [{"externalIdentity": SELF}, {"externalIdentity": SELF.replace("kari", "%4BARI")}]},
            "externalIdentities[1].externalIdentity: expected one",
        ),
    ],
)
def test_a_wrong_file_at_start_names_the_place_and_no_personal_data(
    tmp_path: Path, content: str | Mapping[str, Any], says: str
) -> None:
    path = tmp_path / "directory.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        FixedDirectory(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert KARI not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_all_wrong_addresses_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    path.write_text(json.dumps(person(email="x", mobileNumber="y") | organization(emails=["z"])), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        FixedDirectory(path)
    assert str(caught.value).count("expected") == 3


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    path.write_bytes(b'{"persons": [{"name": "\xff"}]}')
    with pytest.raises(SettingsError, match="is not a directory file"):
        FixedDirectory(path)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        FixedDirectory(tmp_path)


async def test_asking_everything_at_once(directory: Directory) -> None:
    questions = Questions(
        persons=frozenset({KARI}),
        external_identities=frozenset({SELF}),
        organizations=frozenset({ORG}),
        resource_id="other",
    )
    assert await ask(directory, questions) == Answers(
        persons={KARI: PersonContact(KARI, False, "kari@example.com", "+4799999999")},
        external_identities={SELF: ExternalContact(SELF, "kari@example.com")},
        organizations={ORG: OrganizationContact(ORG, 0, ("post@example.com",), ("+4740000001",))},
        user_contacts={ORG: [UserContact(2, None, "+4740000000")]},
    )


class _Failing(FixedDirectory):
    """Fails for persons, and hangs for organisations until it is given up."""

    def __init__(self) -> None:
        super().__init__(None)
        self.given_up = asyncio.Event()

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Mapping[str, PersonContact]:  # noqa: ARG002 - the protocol's
        raise DependencyFailure("fixed", "persons", "it is closed today")

    async def organizations(self, numbers: Collection[str]) -> Mapping[str, OrganizationContact]:  # noqa: ARG002 - the protocol's
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up.set()
        return {}


async def test_one_failing_question_fails_the_whole_and_ends_the_others() -> None:
    directory = _Failing()
    with pytest.raises(DependencyFailure, match="closed today"):
        await ask(directory, Questions(persons=frozenset({KARI}), organizations=frozenset({ORG})))
    assert directory.given_up.is_set()


async def test_nothing_is_asked_for_nothing() -> None:
    directory = _Failing()
    assert await ask(directory, Questions()) == Answers()
    only_external = Questions(external_identities=frozenset({SELF}), resource_id="my-resource")
    assert await ask(directory, only_external) == Answers()
