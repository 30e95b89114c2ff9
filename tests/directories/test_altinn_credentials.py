"""What Altinn's components recognise Varsel by: tokens of Maskinporten, header fields, and what a 401 leads to.

Joined by the settings, against scripted components that let in only who shows what they want.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

from tests.directories.asking import START
from tests.directories.population import KARI, NAMES, ORG, PERSONS, RESOURCE, populate
from tests.support import altinn as places
from tests.support.altinn import Altinn
from tests.support.altinn_exchange import BASE, AltinnExchange
from tests.support.conditions import TRUSTS_NOBODY
from tests.support.json_server import Reply
from tests.support.loopback import written
from tests.support.maskinporten import CLIENT_ID, Maskinporten
from varsel.assembly.altinn import altinn_directory
from varsel.assembly.doctor import examine_directories
from varsel.contacts.altinn import AltinnDirectory
from varsel.errors import DependencyFailure
from varsel.model.clock import HandTurnedClock
from varsel.model.findings import Verdict
from varsel.settings import Settings
from varsel.storage.pool import Pool

_REGISTER = "/register/"
_SCOPE = "altinn:register/partylookup.admin"
_KID = "varsel-1"


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(START)


@pytest.fixture
async def maskinporten(clock: HandTurnedClock, key: RSAPrivateKey) -> AsyncIterator[Maskinporten]:
    async with Maskinporten(clock, key.public_key(), _KID, scope=_SCOPE) as server:
        yield server


@pytest.fixture
async def server(maskinporten: Maskinporten) -> AsyncIterator[Altinn]:
    """Let who shows a token of Maskinporten into Register."""
    async with Altinn() as altinn:
        populate(altinn)
        altinn.doors[_REGISTER] = maskinporten.accepts
        yield altinn


@pytest.fixture
def environ(server: Altinn, maskinporten: Maskinporten, key: RSAPrivateKey, tmp_path: Path) -> dict[str, str]:
    """Return settings by which Register is shown a token; its key is read from a file."""
    key_file = tmp_path / "maskinporten.jwk"
    key_file.write_text(json.dumps(RSAAlgorithm.to_jwk(key, as_dict=True) | {"kid": _KID}))
    components = ("profile", "register", "authorization")
    return {
        "VARSEL_DIRECTORY": "altinn",
        **{f"VARSEL_ALTINN_{name.upper()}": server.url(f"/{name}") for name in components},
        "VARSEL_ALTINN_MASKINPORTEN_FOR": "register",
        "VARSEL_MASKINPORTEN_ISSUER": maskinporten.url(""),
        "VARSEL_MASKINPORTEN_CLIENT_ID": CLIENT_ID,
        "VARSEL_MASKINPORTEN_KEY_FILE": str(key_file),
        "VARSEL_DIRECTORY_FAILURES": "2",
    }


@asynccontextmanager
async def joined(environ: dict[str, str], clock: HandTurnedClock, **others: str) -> AsyncIterator[AltinnDirectory]:
    directory = altinn_directory(Settings.read({**environ, **others}), clock, tls=TRUSTS_NOBODY)
    yield directory
    await directory.close()


async def ask_register(directory: AltinnDirectory) -> None:
    """Ask for a name, which must be told."""
    assert await directory.names(organization_numbers=[ORG], national_identity_numbers=[]) == {ORG: NAMES[ORG]}


def shown(server: Altinn, path: str, field: str = "authorization") -> list[str | None]:
    """Return what calls of `path` showed."""
    return [call.headers.get(field) for call in server.calls if call.path == path]


async def test_register_is_shown_a_token_as_long_as_it_holds_and_nobody_else_is(
    server: Altinn, environ: dict[str, str], clock: HandTurnedClock
) -> None:
    async with joined(environ, clock) as directory:
        for seconds in (0, 113, 1):
            clock.turn(timedelta(seconds=seconds))
            await ask_register(directory)
        await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="read")
    assert shown(server, places.NAMES) == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]
    assert shown(server, places.NAMES, "platformaccesstoken") == [None] * 3
    assert shown(server, places.UNITS) == shown(server, places.DECISION) == [None]


async def test_a_rejected_token_is_replaced_once_and_the_second_answer_stands(
    server: Altinn, environ: dict[str, str], clock: HandTurnedClock, maskinporten: Maskinporten
) -> None:
    async with joined(environ, clock) as directory:
        await ask_register(directory)
        maskinporten.revoke()
        await ask_register(directory)
        server.doors[_REGISTER] = lambda _: False
        with pytest.raises(DependencyFailure, match=r"RegisterClient .* status 401; check .* the credentials"):
            await ask_register(directory)
    presented = [1, 1, 2, 2, 3]
    assert shown(server, places.NAMES) == [f"Bearer token-{number}" for number in presented]


async def test_those_who_meet_a_rejection_together_share_the_next_token(
    server: Altinn, environ: dict[str, str], clock: HandTurnedClock, maskinporten: Maskinporten
) -> None:
    async with joined(environ, clock) as directory:
        await ask_register(directory)
        maskinporten.revoke()
        server.hold()
        asking = [asyncio.create_task(ask_register(directory)) for _ in range(4)]
        await server.wait_for(lambda: server.in_flight == 4)
        server.release()
        await asyncio.gather(*asking)
    assert maskinporten.given == 2


async def test_the_new_token_meets_a_passing_fault_as_any_call_does(
    server: Altinn, environ: dict[str, str], clock: HandTurnedClock
) -> None:
    server.script.extend([Reply(401), Reply(503)])
    async with joined(environ, clock) as directory:
        await ask_register(directory)
    assert shown(server, places.NAMES) == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]


_BROKEN = {
    "refused": (written(400, b'{"error": "invalid_scope"}'), r"400 \(invalid_scope\); check client id"),
    "in trouble": (written(503, b""), "503; check client id"),
    "of a wrong type": (written(200, b'{"access_token": ["x"], "token_type": "Bearer"}'), "not that of a token"),
    "dropped": (b"", "could not be reached"),
}


@pytest.mark.parametrize(("answer", "says"), _BROKEN.values(), ids=_BROKEN)
async def test_a_token_that_cannot_be_had_is_a_failure_of_maskinporten_and_not_of_register(
    server: Altinn,
    environ: dict[str, str],
    clock: HandTurnedClock,
    maskinporten: Maskinporten,
    answer: bytes,
    says: str,
) -> None:
    maskinporten.script.extend([answer] * 3)
    async with joined(environ, clock) as directory:
        for reason in (says, says, says, "left alone"):
            with pytest.raises(DependencyFailure, match=f"Maskinporten could not answer a token: .*{reason}"):
                await ask_register(directory)
        assert server.calls == []
        assert (await directory.persons([KARI], use_stale=False)) == {KARI: PERSONS[KARI]}, "who wants none goes on"
        clock.turn(timedelta(seconds=7))
        await ask_register(directory)


async def test_a_question_given_up_while_its_token_is_fetched_spoils_nothing(
    environ: dict[str, str], clock: HandTurnedClock, maskinporten: Maskinporten
) -> None:
    maskinporten.hold()
    async with joined(environ, clock) as directory:
        asking = asyncio.create_task(ask_register(directory))
        await maskinporten.wait_for(lambda: maskinporten.in_flight == 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        maskinporten.release()
        await ask_register(directory)
    assert maskinporten.given == 1


async def test_the_token_can_be_exchanged_for_one_of_altinn(
    server: Altinn, environ: dict[str, str], clock: HandTurnedClock, maskinporten: Maskinporten
) -> None:
    async with AltinnExchange(clock, maskinporten.accepts) as exchange:
        server.doors[_REGISTER] = exchange.lets_in
        async with joined(environ, clock, VARSEL_ALTINN_EXCHANGE=exchange.url(BASE)) as directory:
            await ask_register(directory)
            clock.turn(timedelta(minutes=29))
            await ask_register(directory)
            server.script.append(Reply(401))
            await ask_register(directory)
    assert (exchange.given, maskinporten.given) == (2, 2)


async def test_each_component_is_shown_what_is_set_for_it(
    server: Altinn, environ: dict[str, str], clock: HandTurnedClock, maskinporten: Maskinporten, tmp_path: Path
) -> None:
    header_file = tmp_path / "profile-headers"
    header_file.write_text("X-Api-Key: fjord: 42\n\nAuthorization: Bearer lamp\n")
    server.doors["/authorization/"] = lambda headers: (
        maskinporten.accepts(headers)
        and headers["ocp-apim-subscription-key"] == "subscribed"
        and headers["x-gateway"] == "open"
    )
    server.doors["/profile/"] = lambda headers: (
        (headers["x-api-key"], headers["authorization"]) == ("fjord: 42", "Bearer lamp")
    )
    others = {
        "VARSEL_ALTINN_MASKINPORTEN_FOR": "authorization,register",
        "VARSEL_ALTINN_PROFILE_HEADERS_FILE": str(header_file),
        "VARSEL_ALTINN_AUTHORIZATION_HEADERS": "X-Gateway: open",
        "VARSEL_ALTINN_SUBSCRIPTION_KEY": "subscribed",
    }
    async with joined(environ, clock, **others) as directory:
        assert await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="read")
        await ask_register(directory)
        maskinporten.revoke()
        assert await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="read")
        server.doors["/profile/"] = lambda _: False
        with pytest.raises(DependencyFailure, match=r"ProfileClient .* status 401"):
            await directory.persons([KARI], use_stale=False)
    assert maskinporten.given == 2
    assert server.counts[places.PERSONS] == 1, "fixed fields have no others to follow"


async def test_the_platform_access_token_goes_where_it_is_wanted(
    environ: dict[str, str], clock: HandTurnedClock, key: RSAPrivateKey, server: Altinn, tmp_path: Path
) -> None:
    key_file = tmp_path / "platform.pem"
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    others = {
        "VARSEL_ALTINN_TOKEN_KEY_FILE": str(key_file),
        "VARSEL_ALTINN_PLATFORM_TOKEN_FOR": "profile,register",
    }
    async with joined(environ, clock, **others) as directory:
        await ask_register(directory)
        await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="read")
    sent = [shown(server, path, "platformaccesstoken") for path in (places.NAMES, places.UNITS, places.DECISION)]
    assert [bool(token) for (token,) in sent] == [True, True, False]
    assert shown(server, places.NAMES) == ["Bearer token-1"], "both may go along"


async def test_doctor_names_who_does_not_give_a_token(
    pool: Pool, environ: dict[str, str], clock: HandTurnedClock, maskinporten: Maskinporten
) -> None:
    settings = Settings.read(environ)
    (fine,) = await examine_directories(settings, pool, clock)
    maskinporten.script.append(written(400, b'{"error": "invalid_client"}'))
    (unknown,) = await examine_directories(settings, pool, clock)
    assert fine.verdict is Verdict.OK
    assert unknown.verdict is Verdict.FAIL
    assert unknown.found.startswith("Maskinporten could not answer a token: it answered 400 (invalid_client)")
