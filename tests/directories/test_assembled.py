"""Directories as the settings join them: which, in what order, how sparingly, and what doctor says of each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from tests.directories.asking import START
from tests.directories.population import KARI, OLA, ORG, RESOURCE, STRANGER, fill_register, populate
from tests.support.altinn import DECISION, NAMES, PERSONS, Altinn
from tests.support.json_server import Reply
from varsel.assembly.directories import directory
from varsel.assembly.doctor import examine_directories
from varsel.contacts.protocol import Told
from varsel.errors import SettingsError
from varsel.model.clock import HandTurnedClock
from varsel.model.contacts import Origin
from varsel.model.findings import Verdict
from varsel.settings import Settings
from varsel.storage.pool import Pool

EVA = "02019012345"
PASSWORD = "fjord-42-lamp"


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture
async def server(key: RSAPrivateKey) -> AsyncIterator[Altinn]:
    async with Altinn(token_key=key.public_key()) as altinn:
        populate(altinn)
        yield altinn


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(START)


def settings(folder: Path, chosen: str, server: Altinn | None = None, **others: str) -> Settings:
    components = ("profile", "register", "authorization") if server else ()
    addresses = {f"VARSEL_ALTINN_{name.upper()}": server.url(f"/{name}/") for name in components if server}
    environ = {"VARSEL_DATA_DIR": str(folder), "VARSEL_DIRECTORY": chosen, "VARSEL_DIRECTORY_QUIET": "0s"}
    return Settings.read({**environ, **addresses, **others})


def write_eva(folder: Path, email: str) -> None:
    person = f'{{"nationalIdentityNumber": "{EVA}", "email": "{email}"}}'
    (folder / "directory.json").write_text(f'{{"persons": [{person}]}}', encoding="utf-8")


async def test_the_default_answers_from_the_file_at_once(pool: Pool, clock: HandTurnedClock, tmp_path: Path) -> None:
    joined = directory(settings(tmp_path, "fixed"), pool, clock)
    for email in ("eva@example.com", "eva.new@example.com"):
        write_eva(tmp_path, email)
        found = await joined.persons([EVA], use_stale=False)
        assert found[EVA].email == email
        assert isinstance(found, Told)
        assert found.origins == {EVA: Origin("fixed")}


async def test_nobody_is_found_without_a_directory(pool: Pool, clock: HandTurnedClock, tmp_path: Path) -> None:
    write_eva(tmp_path, "eva@example.com")
    assert await directory(settings(tmp_path, "none"), pool, clock).persons([EVA], use_stale=False) == {}


async def test_all_three_are_asked_in_order_and_the_costly_ones_once(
    pool: Pool, clock: HandTurnedClock, server: Altinn, tmp_path: Path
) -> None:
    write_eva(tmp_path, "eva@example.com")
    await fill_register(pool)
    await pool.execute("DELETE FROM register_persons WHERE national_identity_number = $1", OLA)
    joined = directory(settings(tmp_path, "fixed,register,altinn", server), pool, clock)
    for _ in range(2):
        found = await joined.persons([EVA, KARI, OLA, STRANGER], use_stale=False)
        assert isinstance(found, Told)
        assert found.origins == {
            EVA: Origin("fixed"),
            KARI: Origin("register", START),
            OLA: Origin("altinn", START),
            STRANGER: Origin("fixed+register+altinn", START),
        }
    assert [asked["nationalIdentityNumbers"] for asked in server.asked(PERSONS)] == [[OLA, STRANGER]]
    await joined.close()


@pytest.mark.parametrize(("shared", "calls"), [({"VARSEL_ROLES": "api"}, 1), ({}, 2)])
async def test_processes_that_can_tell_of_others_leave_altinn_s_answers_to_them(
    pool: Pool, clock: HandTurnedClock, server: Altinn, tmp_path: Path, shared: dict[str, str], calls: int
) -> None:
    for _ in range(2):
        joined = directory(settings(tmp_path, "altinn", server, **shared), pool, clock)
        assert list(await joined.persons([KARI], use_stale=False)) == [KARI]
        await joined.close()
    assert len(server.asked(PERSONS)) == calls


async def test_what_the_register_says_is_not_left_in_the_database_twice(
    pool: Pool, clock: HandTurnedClock, tmp_path: Path
) -> None:
    await fill_register(pool)
    joined = directory(settings(tmp_path, "register", VARSEL_ROLES="api"), pool, clock)
    assert list(await joined.persons([KARI], use_stale=False)) == [KARI]
    assert await pool.fetchval("SELECT count(*) FROM directory_answers") == 0


async def test_altinn_is_shown_the_credentials_that_are_set(
    pool: Pool, clock: HandTurnedClock, server: Altinn, key: RSAPrivateKey, tmp_path: Path
) -> None:
    key_file = tmp_path / "platform.pem"
    protection = BestAvailableEncryption(PASSWORD.encode())
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
    secrets = {
        "VARSEL_ALTINN_TOKEN_KEY_FILE": str(key_file),
        "VARSEL_ALTINN_TOKEN_KEY_PASSWORD": PASSWORD,
        "VARSEL_ALTINN_SUBSCRIPTION_KEY": "subscribed",
    }
    joined = directory(settings(tmp_path, "altinn", server, **secrets), pool, clock)
    await joined.names(organization_numbers=[ORG], national_identity_numbers=[])
    await joined.user_contacts([ORG], resource_id=RESOURCE, resource_action="read")
    keys = {call.path: call.headers.get("ocp-apim-subscription-key") for call in server.calls}
    assert keys[DECISION] == "subscribed"
    assert keys[NAMES] is None
    assert [claims["iss"] for claims in server.tokens] == ["platform"]
    await joined.close()


async def test_a_thousand_persons_are_one_call(
    pool: Pool, clock: HandTurnedClock, server: Altinn, tmp_path: Path
) -> None:
    joined = directory(settings(tmp_path, "altinn", server), pool, clock)
    await joined.persons([f"{number:011}" for number in range(1000)], use_stale=False)
    assert [len(asked["nationalIdentityNumbers"]) for asked in server.asked(PERSONS)] == [1000]
    await joined.close()


@pytest.mark.parametrize(("content", "word"), [(None, "cannot be read"), (b"no key", "cannot be used")])
async def test_a_key_file_that_is_no_use_stops_the_start(
    pool: Pool, clock: HandTurnedClock, server: Altinn, tmp_path: Path, content: bytes | None, word: str
) -> None:
    key_file = tmp_path / "platform.pem"
    if content is not None:
        key_file.write_bytes(content)
    wrong = settings(tmp_path, "altinn", server, VARSEL_ALTINN_TOKEN_KEY_FILE=str(key_file))
    with pytest.raises(SettingsError, match=f"VARSEL_ALTINN_TOKEN_KEY_FILE {word}"):
        directory(wrong, pool, clock)


async def test_doctor_looks_at_each_directory_by_itself(
    pool: Pool, clock: HandTurnedClock, server: Altinn, tmp_path: Path
) -> None:
    server.script.append(Reply(401))
    found = await examine_directories(settings(tmp_path, "altinn,register,fixed", server), pool, clock)
    assert [(each.subject, each.verdict) for each in found] == [
        ("directory altinn", Verdict.FAIL),
        ("directory register", Verdict.OK),
        ("directory fixed", Verdict.OK),
    ]
