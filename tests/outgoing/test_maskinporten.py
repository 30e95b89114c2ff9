"""Tokens of Maskinporten, over real HTTP against a scripted one that checks every assertion."""

import asyncio
import base64
import json
import logging
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.support.loopback import written
from tests.support.maskinporten import CLIENT_ID, SCOPE, Maskinporten
from varsel.errors import DependencyFailure
from varsel.model.clock import HandTurnedClock
from varsel.outgoing.assertion import Account, SigningKey, read_signing_key
from varsel.outgoing.maskinporten import Maskinporten as Source
from varsel.outgoing.tokens import KeptTokens

_KID = "varsel-1"
_SECOND = timedelta(seconds=1)


_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_SHORT_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it is to be refused
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # spares reading the system's certificates for every test


def jwk(key: rsa.RSAPrivateKey = _KEY, **members: object) -> dict[str, object]:
    return RSAAlgorithm.to_jwk(key, as_dict=True) | {"kid": _KID} | members


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
async def maskinporten(clock: HandTurnedClock) -> AsyncIterator[Maskinporten]:
    async with Maskinporten(clock, _KEY.public_key(), _KID) as server:
        yield server


@pytest.fixture
async def tokens(maskinporten: Maskinporten, clock: HandTurnedClock) -> AsyncIterator[KeptTokens]:
    source = kept(account(maskinporten), clock)
    yield source
    await source.aclose()


def kept(account: Account, clock: HandTurnedClock, timeout: timedelta = 10 * _SECOND) -> KeptTokens:
    return KeptTokens(Source(lambda: account, clock, timeout=timeout, tls=_NO_TLS), clock)


def account(maskinporten: Maskinporten, client_id: str = CLIENT_ID, scope: str = SCOPE, kid: str = _KID) -> Account:
    return Account(maskinporten.issuer, client_id, scope, SigningKey(kid, _KEY))


async def test_a_token_is_had_and_kept_until_five_seconds_before_its_end(
    maskinporten: Maskinporten, tokens: KeptTokens, clock: HandTurnedClock
) -> None:
    assert await tokens.token() == "token-1"
    clock.turn(119 * _SECOND - 5 * _SECOND - timedelta(microseconds=1))
    assert await tokens.token() == "token-1"
    clock.turn(timedelta(microseconds=1))
    assert await tokens.token() == "token-2"
    assert maskinporten.given == 2


async def test_however_many_ask_one_fetch_is_made(maskinporten: Maskinporten, tokens: KeptTokens) -> None:
    maskinporten.hold()
    asking = [asyncio.create_task(tokens.token()) for _ in range(50)]
    await maskinporten.wait_for(lambda: maskinporten.in_flight == 1)
    maskinporten.release()
    assert set(await asyncio.gather(*asking)) == {"token-1"}
    assert len(maskinporten.received) == 1


async def test_whoever_gives_up_waiting_spoils_it_for_nobody(maskinporten: Maskinporten, tokens: KeptTokens) -> None:
    maskinporten.hold()
    first, second = (asyncio.create_task(tokens.token()) for _ in range(2))
    await maskinporten.wait_for(lambda: maskinporten.in_flight == 1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    maskinporten.release()
    assert await second == "token-1"


async def test_a_rejected_token_is_replaced_once_for_all_who_met_the_rejection(
    maskinporten: Maskinporten, tokens: KeptTokens
) -> None:
    rejected = await tokens.token()
    renewed = await asyncio.gather(*(tokens.renewed(rejected) for _ in range(10)))
    assert set(renewed) == {"token-2"}
    assert await tokens.renewed(rejected) == "token-2"
    assert maskinporten.given == 2


@pytest.mark.parametrize("lifetime", [5, 1, 0, -30])
async def test_tokens_too_short_to_keep_are_used_once(
    maskinporten: Maskinporten, tokens: KeptTokens, lifetime: int
) -> None:
    maskinporten.lifetime = lifetime
    assert [await tokens.token(), await tokens.token()] == ["token-1", "token-2"]


async def test_a_life_beyond_reason_counts_as_a_day(
    maskinporten: Maskinporten, tokens: KeptTokens, clock: HandTurnedClock
) -> None:
    maskinporten.lifetime = 10**15
    await tokens.token()
    clock.turn(timedelta(days=1))
    assert await tokens.token() == "token-2"


@pytest.mark.parametrize(
    ("flaw", "code"),
    [
        ({"client_id": "somebody-else"}, "invalid_client"),
        ({"scope": "another:scope"}, "invalid_scope"),
        ({"kid": "unknown"}, "invalid_grant"),
    ],
)
async def test_what_maskinporten_objects_to_is_named(
    maskinporten: Maskinporten, clock: HandTurnedClock, flaw: dict[str, str], code: str
) -> None:
    tokens = kept(account(maskinporten, **flaw), clock)
    with pytest.raises(DependencyFailure, match=rf"it answered 400 \({code}\); check client id"):
        await tokens.token()
    await tokens.aclose()


_ODD = {
    "server error": (written(500, b"boom secret"), "it answered 500;"),
    "error of odd shape": (written(400, b'{"error": "<b>secret</b>"}'), "it answered 400;"),
    "error in a list": (written(400, b'["secret"]'), "it answered 400;"),
    "redirect": (written(302, b"", {"Location": "http://127.0.0.1:9/"}), "it answered 302;"),
    "not JSON": (written(200, b"<html>secret"), "not that of a token endpoint"),
    "no token": (written(200, b'{"token_type": "Bearer", "expires_in": 119}'), "not that of a token endpoint"),
    "other kind": (
        written(200, b'{"access_token": "secret", "token_type": "DPoP", "expires_in": 9}'),
        "no bearer token",
    ),
    "unusable": (written(200, b'{"access_token": "sec\\r\\nret: x", "token_type": "Bearer"}'), "no bearer token"),
    "empty": (written(200, b'{"access_token": "", "token_type": "Bearer"}'), "no bearer token"),
    "huge": (written(200, b" " * 65_537), "too long"),
    "dropped": (b"", "could not be reached"),
}


@pytest.mark.parametrize(("answer", "text"), _ODD.values(), ids=_ODD)
async def test_odd_answers_are_failures_that_tell_no_secrets(
    maskinporten: Maskinporten, tokens: KeptTokens, answer: bytes, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    maskinporten.script.append(answer)
    with pytest.raises(DependencyFailure, match=text) as failure:
        await tokens.token()
    assert "secret" not in f"{failure.value}{caplog.text}"
    assert await tokens.token() == "token-1", "one failure is no reason to rest"


async def test_silence_ends_by_the_time_limit(maskinporten: Maskinporten, clock: HandTurnedClock) -> None:
    maskinporten.hold()
    tokens = kept(account(maskinporten), clock, timeout=timedelta(milliseconds=50))
    with pytest.raises(DependencyFailure, match="could not be reached"):
        await tokens.token()
    await tokens.aclose()


async def test_a_token_endpoint_that_keeps_failing_is_left_alone(
    maskinporten: Maskinporten, tokens: KeptTokens, clock: HandTurnedClock
) -> None:
    maskinporten.script.extend([written(500, b"")] * 3)
    for _ in range(5):
        with pytest.raises(DependencyFailure):
            await tokens.token()
    assert len(maskinporten.received) == 3
    clock.turn(timedelta(seconds=6))
    assert await tokens.token() == "token-1"


async def test_closing_ends_a_fetch_under_way(maskinporten: Maskinporten, clock: HandTurnedClock) -> None:
    maskinporten.hold()
    tokens = kept(account(maskinporten), clock)
    waiting = asyncio.create_task(tokens.token())
    await maskinporten.wait_for(lambda: maskinporten.in_flight == 1)
    await tokens.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_neither_tokens_nor_assertions_reach_a_log(
    maskinporten: Maskinporten, tokens: KeptTokens, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert await tokens.token() == "token-1"
    assert len(maskinporten.received) == 1
    assert "token-1" not in caplog.text
    assert "eyJ" not in caplog.text


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(jwk()),
        f"\n{json.dumps(jwk(), indent=2)}\n",
        _base64(json.dumps(jwk())),
        _base64(json.dumps(jwk())).rstrip("=") + "\n",
        base64.encodebytes(json.dumps(jwk()).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps(jwk(note="???>>>~~~" * 3)).encode()).decode(),
    ],
    ids=["json", "indented", "base64", "unpadded", "in lines", "url-safe"],
)
def test_a_private_key_is_read_as_json_or_base64(text: str) -> None:
    key = read_signing_key(text)
    assert key.kid == _KID
    assert key.private.private_numbers().d == _KEY.private_numbers().d


def test_a_key_id_given_beside_the_key_overrules_its_own() -> None:
    assert read_signing_key(json.dumps(jwk()), "other").kid == "other"


_PUBLIC_JWK = RSAAlgorithm.to_jwk(_KEY.public_key())
_WRONG_KEYS = {
    "empty": ("", "neither"),
    "words": ("no key at all!", "neither"),
    "list": ("[]", "neither"),
    "base64 of words": (_base64("no key at all"), "neither"),
    "base64 of a list": (_base64("[1]"), "neither"),
    "broken": ('{"kty": "RSA"', "neither"),
    "other members": ("{}", "not a usable RSA key"),
    "numbers": (json.dumps(jwk(n=7)), "not a usable RSA key"),
    "no pair": (json.dumps(jwk(p="AQAB")), "not a usable RSA key"),
    "elliptic": (ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1())), "not a usable RSA key"),
    "public": (_PUBLIC_JWK, "no private key"),
    "short": (json.dumps(jwk(_SHORT_KEY)), "shorter than 2048"),
    "nameless": (json.dumps(jwk(kid=None)), "no `kid`"),
}


@pytest.mark.parametrize(("text", "complaint"), _WRONG_KEYS.values(), ids=_WRONG_KEYS)
def test_a_wrong_key_is_refused_without_showing_it(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as refusal:
        read_signing_key(text)
    assert str(jwk()["d"])[:20] not in str(refusal.value)


def test_a_key_shows_nothing_of_itself() -> None:
    assert repr(read_signing_key(json.dumps(jwk()))) == f"SigningKey(kid={_KID!r})"
