"""Altinn's exchange over real HTTP, in front of a scripted Maskinporten (integrations.md 1.6)."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.altinn_exchange import BASE, AltinnExchange
from tests.support.loopback import written
from tests.support.maskinporten import CLIENT_ID, SCOPE, Maskinporten
from varsel.errors import DependencyFailure
from varsel.model.clock import HandTurnedClock
from varsel.outgoing.assertion import Account, SigningKey
from varsel.outgoing.exchange import Exchange
from varsel.outgoing.maskinporten import Maskinporten as Source
from varsel.outgoing.tokens import KeptTokens

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_KID = "varsel-1"
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # spares reading the system's certificates for every test
_SECRET = "a key that is long enough to be one"


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
async def maskinporten(clock: HandTurnedClock) -> AsyncIterator[Maskinporten]:
    async with Maskinporten(clock, _KEY.public_key(), _KID) as server:
        yield server


@pytest.fixture
async def altinn(clock: HandTurnedClock, maskinporten: Maskinporten) -> AsyncIterator[AltinnExchange]:
    async with AltinnExchange(clock, maskinporten.accepts) as server:
        yield server


@asynccontextmanager
async def exchanged(
    altinn: AltinnExchange, maskinporten: Maskinporten, clock: HandTurnedClock, client_id: str = CLIENT_ID
) -> AsyncIterator[KeptTokens]:
    account = Account(maskinporten.issuer, client_id, SCOPE, SigningKey(_KID, _KEY))
    own = KeptTokens(Source(lambda: account, clock, tls=_NO_TLS), clock)
    tokens = KeptTokens(Exchange(altinn.url(f"{BASE}/"), own, tls=_NO_TLS), clock)
    yield tokens
    await tokens.aclose()


def _header(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_altinns_token_is_kept_until_five_seconds_before_the_end_it_names(
    altinn: AltinnExchange, maskinporten: Maskinporten, clock: HandTurnedClock
) -> None:
    async with exchanged(altinn, maskinporten, clock) as tokens:
        first = await tokens.token()
        assert altinn.lets_in(_header(first))
        clock.turn(timedelta(minutes=30, seconds=-5, microseconds=-1))
        assert await tokens.token() == first
        clock.turn(timedelta(microseconds=1))
        second = await tokens.token()
        assert second != first
        assert altinn.lets_in(_header(await tokens.renewed(second)))
    assert (altinn.given, maskinporten.given) == (3, 2), "the third exchange finds a token of Maskinporten that holds"


@pytest.mark.parametrize("wrapping", ["", '"', "\r\n", ' "'])
async def test_quotes_and_white_space_are_no_part_of_a_token(
    maskinporten: Maskinporten, clock: HandTurnedClock, wrapping: str
) -> None:
    async with (
        AltinnExchange(clock, maskinporten.accepts, wrapping) as altinn,
        exchanged(altinn, maskinporten, clock) as tokens,
    ):
        assert altinn.lets_in(_header(await tokens.token()))


async def test_a_rejected_token_is_replaced_before_the_exchange_is_given_up(
    altinn: AltinnExchange, maskinporten: Maskinporten, clock: HandTurnedClock
) -> None:
    async with exchanged(altinn, maskinporten, clock) as tokens:
        first = await tokens.token()
        maskinporten.revoke()
        assert altinn.lets_in(_header(await tokens.renewed(first)))
    assert [asked.headers["authorization"] for asked in altinn.received] == [
        "Bearer token-1",
        "Bearer token-1",
        "Bearer token-2",
    ]


def _jwt(**claims: object) -> bytes:
    return jwt.encode(dict(claims), _SECRET, algorithm="HS256").encode()


@pytest.mark.parametrize(
    "token", [b"opaque", _jwt(iss="altinn"), _jwt(exp="soon"), _jwt(exp=None), _jwt(exp=-1), _jwt(exp=True)]
)
async def test_a_token_that_names_no_end_is_used_once(
    altinn: AltinnExchange, maskinporten: Maskinporten, clock: HandTurnedClock, token: bytes
) -> None:
    altinn.script.append(written(200, token))
    async with exchanged(altinn, maskinporten, clock) as tokens:
        assert await tokens.token() == token.decode()
        assert altinn.lets_in(_header(await tokens.token()))


@pytest.mark.parametrize("ends", [1_767_229_200, 1_767_229_200.5, "1767229200", 10**30])
async def test_an_end_is_read_as_it_is_written_and_a_day_is_the_longest_life(
    altinn: AltinnExchange, maskinporten: Maskinporten, clock: HandTurnedClock, ends: object
) -> None:
    altinn.script.append(written(200, _jwt(exp=ends)))
    async with exchanged(altinn, maskinporten, clock) as tokens:
        first = await tokens.token()
        clock.turn(timedelta(minutes=59))
        assert await tokens.token() == first
        clock.turn(timedelta(days=1))
        assert await tokens.token() != first


_ODD = {
    "rejected twice": ([written(401, b""), written(401, b"")], "it answered 401; check"),
    "no such organisation": ([written(403, b"secret")], "it answered 403; check"),
    "too many": ([written(429, b"")], "it answered 429; check"),
    "redirect": ([written(302, b"", {"Location": "http://127.0.0.1:9/"})], "it answered 302; check"),
    "page": ([written(200, b"<html>secret</html>")], "holds no token"),
    "nothing": ([written(200, b'""')], "holds no token"),
    "JSON": ([written(200, json.dumps({"access_token": "secret"}).encode())], "holds no token"),
    "huge": ([written(200, b"x" * 65_537)], "too long"),
    "dropped": ([b""], "could not be reached"),
}


@pytest.mark.parametrize(("answers", "says"), _ODD.values(), ids=_ODD)
async def test_odd_answers_are_failures_that_tell_no_secrets(
    altinn: AltinnExchange,
    maskinporten: Maskinporten,
    clock: HandTurnedClock,
    answers: list[bytes],
    says: str,
) -> None:
    altinn.script.extend(answers)
    async with exchanged(altinn, maskinporten, clock) as tokens:
        with pytest.raises(DependencyFailure, match=f"Altinn's token exchange could not .*{says}") as failure:
            await tokens.token()
        assert "secret" not in str(failure.value)
        assert altinn.lets_in(_header(await tokens.token())), "one failure is no reason to rest"


async def test_a_failure_of_maskinporten_shows_through(
    altinn: AltinnExchange, maskinporten: Maskinporten, clock: HandTurnedClock
) -> None:
    async with exchanged(altinn, maskinporten, clock, client_id="somebody-else") as tokens:
        with pytest.raises(DependencyFailure, match=r"exchange .* Maskinporten .* 400 \(invalid_client\); check"):
            await tokens.token()
    assert altinn.received == []
