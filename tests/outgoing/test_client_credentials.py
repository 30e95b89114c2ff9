"""Tokens for a client's id and secret, over real HTTP against a scripted OAuth server that checks both."""

import json
import logging
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.loopback import written
from tests.support.oauth_server import CLIENT_ID, CLIENT_SECRET, SCOPE, OAuthServer
from varsel.errors import DependencyFailure
from varsel.model.clock import HandTurnedClock
from varsel.outgoing.client_credentials import Client, ClientCredentials
from varsel.outgoing.tokens import KeptTokens

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # spares reading the system's certificates for every test
_SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
async def server() -> AsyncIterator[OAuthServer]:
    async with OAuthServer() as running:
        yield running


def client(server: OAuthServer) -> Client:
    return Client(server.token_url, CLIENT_ID, CLIENT_SECRET, SCOPE)


def kept(client: Client, clock: HandTurnedClock, timeout: timedelta = 10 * _SECOND) -> KeptTokens:
    return KeptTokens(ClientCredentials(lambda: client, clock, timeout=timeout, tls=_NO_TLS), clock)


async def test_a_token_is_had_and_kept_until_five_seconds_before_its_end(
    server: OAuthServer, clock: HandTurnedClock
) -> None:
    tokens = kept(client(server), clock)
    assert await tokens.token() == "oauth-1"
    clock.turn(3595 * _SECOND - timedelta(microseconds=1))
    assert await tokens.token() == "oauth-1"
    clock.turn(timedelta(microseconds=1))
    assert await tokens.token() == "oauth-2"
    assert await tokens.renewed("oauth-2") == "oauth-3"
    await tokens.aclose()


@pytest.mark.parametrize("in_body", [False, True])
@pytest.mark.parametrize("scope", [SCOPE, None])
async def test_id_and_secret_stand_where_the_server_reads_them(
    clock: HandTurnedClock, in_body: bool, scope: str | None
) -> None:
    async with OAuthServer(in_body=in_body, scope=scope) as server:
        tokens = kept(replace(client(server), scope=scope, secret_in_body=in_body), clock)
        assert await tokens.token() == "oauth-1"
        await tokens.aclose()


@pytest.mark.parametrize("lifetime", [3599, 3599.0, "3599", " 3599 ", "3599.0", 3599.9, "3.599e3"])
async def test_a_life_is_read_as_servers_write_it(
    server: OAuthServer, clock: HandTurnedClock, lifetime: object
) -> None:
    server.lifetime = lifetime
    tokens = kept(client(server), clock)
    assert await tokens.token() == "oauth-1"
    clock.turn(3593 * _SECOND)
    assert await tokens.token() == "oauth-1"
    clock.turn(2 * _SECOND)
    assert await tokens.token() == "oauth-2"
    await tokens.aclose()


@pytest.mark.parametrize("lifetime", [10**40, 1e300, "9" * 400, "1e999"])
async def test_a_token_is_kept_for_a_day_at_most(server: OAuthServer, clock: HandTurnedClock, lifetime: object) -> None:
    server.lifetime = lifetime
    tokens = kept(client(server), clock)
    assert await tokens.token() == "oauth-1"
    clock.turn(timedelta(days=1) - 6 * _SECOND)
    assert await tokens.token() == "oauth-1"
    clock.turn(6 * _SECOND)
    assert await tokens.token() == "oauth-2"
    await tokens.aclose()


@pytest.mark.parametrize(
    "token_type", [{"token_type": "BEARER"}, {"token_type": "BearerToken"}, {"token_type": None}, {}]
)
async def test_a_bearer_token_is_known_by_whatever_servers_call_it(
    server: OAuthServer, clock: HandTurnedClock, token_type: dict[str, object]
) -> None:
    server.script.append(written(200, json.dumps({"access_token": "x", "expires_in": 60} | token_type).encode()))
    tokens = kept(client(server), clock)
    assert [await tokens.token(), await tokens.token()] == ["x", "x"]
    await tokens.aclose()


@pytest.mark.parametrize(
    "lifetime", [None, 0, -1, -1e300, "", "soon", "null", "NaN", "Infinity", "٣", True, [3599], {}]
)
async def test_a_token_without_a_known_end_is_used_once(
    server: OAuthServer, clock: HandTurnedClock, lifetime: object
) -> None:
    server.lifetime = lifetime
    tokens = kept(client(server), clock)
    assert [await tokens.token(), await tokens.token()] == ["oauth-1", "oauth-2"]
    await tokens.aclose()


async def test_a_life_of_null_is_none(server: OAuthServer, clock: HandTurnedClock) -> None:
    server.script.append(written(200, b'{"access_token": "x", "token_type": "Bearer", "expires_in": null}'))
    tokens = kept(client(server), clock)
    assert [await tokens.token(), await tokens.token()] == ["x", "oauth-1"]
    await tokens.aclose()


@pytest.mark.parametrize(
    ("flaw", "says"),
    [
        ({"client_id": "stranger"}, r"401 \(invalid_client\)"),
        ({"secret": "wrong"}, r"401 \(invalid_client\)"),
        ({"secret_in_body": True}, r"401 \(invalid_client\)"),
        ({"scope": "everything"}, r"400 \(invalid_scope\)"),
    ],
)
async def test_what_the_server_objects_to_is_named(
    server: OAuthServer, clock: HandTurnedClock, flaw: dict[str, str], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "varsel")
    tokens = kept(replace(client(server), **flaw), clock)  # type: ignore[arg-type]  # flaws of several types
    with pytest.raises(DependencyFailure, match=f"the OAuth server could not .* {says}; check client id") as failure:
        await tokens.token()
    assert not any(word in f"{failure.value}{caplog.text}" for word in ('secret"', "wrong", CLIENT_SECRET))
    await tokens.aclose()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (written(200, b'{"access_token": 7, "token_type": "Bearer"}'), "not that of a token endpoint"),
        (written(200, b'{"access_token": "x", "token_type": ["Bearer"]}'), "not that of a token endpoint"),
        (written(200, b'{"access_token": "x", "token_type": "mac"}'), "no bearer token"),
        (written(200, b"[" * 60_000), "not that of a token endpoint"),
        (written(500, b'{"error": 7}'), "it answered 500;"),
        (b"", "could not be reached"),
    ],
)
async def test_odd_answers_are_failures(server: OAuthServer, clock: HandTurnedClock, answer: bytes, says: str) -> None:
    server.script.append(answer)
    tokens = kept(client(server), clock)
    with pytest.raises(DependencyFailure, match=says):
        await tokens.token()
    assert await tokens.token() == "oauth-1", "one failure is no reason to rest"
    await tokens.aclose()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("wish", ["120", "Thu, 01 Jan 2026 00:02:00 GMT"])
async def test_a_server_that_is_busy_is_left_alone_as_long_as_it_wishes(
    server: OAuthServer, clock: HandTurnedClock, status: int, wish: str
) -> None:
    server.script.append(written(status, b"", {"Retry-After": wish}))
    tokens = kept(client(server), clock)
    for says in (f"it answered {status}", "left alone"):
        with pytest.raises(DependencyFailure, match=says):
            await tokens.token()
    clock.turn(119 * _SECOND)
    with pytest.raises(DependencyFailure, match="left alone"):
        await tokens.token()
    clock.turn(_SECOND)
    assert await tokens.token() == "oauth-1"
    await tokens.aclose()


async def test_silence_ends_by_the_time_limit_and_then_by_a_rest(server: OAuthServer, clock: HandTurnedClock) -> None:
    server.hold()
    tokens = kept(client(server), clock, timeout=timedelta(milliseconds=20))
    for says in (*["within 0.02 s"] * 3, "left alone"):
        with pytest.raises(DependencyFailure, match=says):
            await tokens.token()
    await tokens.aclose()


def test_a_client_shows_nothing_of_its_secret() -> None:
    assert CLIENT_SECRET not in repr(Client("https://login.example.com/token", CLIENT_ID, CLIENT_SECRET))
