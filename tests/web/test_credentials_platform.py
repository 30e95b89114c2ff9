"""Platform access tokens and where their keys are registered (integrations.md 1.10 and 1.15)."""

import base64
import logging
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.doorway import Door, opened_door, status_of
from tests.support.issuer import (
    START,
    Mood,
    ScriptedIssuer,
    altinn_claims,
    platform_claims,
    rsa_key,
    signed,
    signed_with_public_key,
    unsigned,
)
from varsel.errors import CredentialError, KeysUnavailable, SettingsError
from varsel.intake.credentials import (
    Caller,
    CertificateDirectory,
    DocumentFetcher,
    Gatekeeper,
    KeySource,
    PlatformTokens,
    Policy,
    PublishedIssuers,
)
from varsel.model.clock import HandTurnedClock

NOW = int(START.timestamp())
ONE, APP, OTHER = rsa_key("one"), rsa_key("app"), rsa_key("other")
TOKEN = signed(platform_claims(), APP)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened_door(tmp_path) as door:
        yield door


async def test_a_platform_token_alone_creates_in_its_issuers_name(door: Door) -> None:
    door.register("ttd", APP)
    assert await door.admit(platform=[TOKEN]) == Caller("ttd", app="my-app")
    assert await door.admit(platform=[TOKEN]) == Caller("ttd", app="my-app")
    assert door.issuer.fetches.total() == 0


@pytest.mark.parametrize("token", [
    signed(platform_claims(), OTHER),
    signed(platform_claims(), APP, "RS512"),
    signed(platform_claims(), APP, "PS256"),
    unsigned(platform_claims()),
    signed_with_public_key(platform_claims(), APP),
    signed(platform_claims(exp=None), APP),
    signed(platform_claims(exp=NOW - 11), APP),
    signed(platform_claims(nbf=NOW + 11), APP),
    signed(platform_claims("skd"), APP),
    signed(platform_claims(None), APP),
    signed(platform_claims(7), APP),
    b"junk",
])  # fmt: skip
async def test_a_platform_token_that_does_not_hold_is_no_credential(door: Door, token: bytes) -> None:
    door.register("ttd", APP)
    assert status_of(await door.admit(platform=[token])) == 401


async def test_a_platform_token_may_be_a_little_late(door: Door) -> None:
    door.register("ttd", APP)
    assert status_of(await door.admit(platform=[signed(platform_claims(exp=NOW - 9), APP)])) == 200


class Eavesdropper:
    """A registry that has nothing and tells what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def source_for(self, issuer: str) -> KeySource | None:
        self.asked.append(issuer)
        return None


@pytest.mark.parametrize("issuer", [
    "../x", "..", "a/b", "a\\b", "a.b", "-a", "", " ", "a b", "a\n", "a\x00", "x" * 64, "\u017f", "\u212a", "ttd%2f",
])  # fmt: skip
async def test_an_issuer_of_another_form_is_never_looked_up(issuer: str) -> None:
    registry = Eavesdropper()
    tokens = PlatformTokens([registry], HandTurnedClock(START))
    with pytest.raises(CredentialError):
        await tokens.verify(signed(platform_claims(issuer), APP))
    assert registry.asked == []


async def test_issuers_are_looked_up_in_lower_case_and_named_as_they_were(door: Door) -> None:
    door.register("ttd", APP)
    assert await door.admit(platform=[signed(platform_claims("TTD"), APP)]) == Caller("TTD", app="my-app")


@pytest.mark.parametrize("ending", ["", ".pem", ".cer", ".der"])
async def test_a_certificate_may_be_pem_or_der_under_every_ending(door: Door, ending: str) -> None:
    door.register("ttd", APP, ending)
    assert status_of(await door.admit(platform=[TOKEN])) == 200


@pytest.mark.parametrize("content", [
    APP.public_pem,
    base64.b64encode(APP.certificate().public_bytes(Encoding.DER)),
    b"".join(key.certificate().public_bytes(Encoding.PEM) for key in (OTHER, APP)),
], ids=["public key", "as in a key vault", "two certificates"])  # fmt: skip
async def test_what_a_key_file_may_hold(door: Door, content: bytes) -> None:
    (door.platform_keys / "ttd-access-token-public-cert").write_bytes(content)
    assert status_of(await door.admit(platform=[TOKEN])) == 200


@pytest.mark.parametrize("content", [
    b"",
    b"junk",
    b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    b"-----BEGIN PUBLIC KEY-----\n",
    rsa_key("short", 1024).public_pem,
    b"#" * 70_000 + b"\n" + APP.public_pem,
])  # fmt: skip
async def test_an_unreadable_key_file_is_reported_and_lets_nobody_in(
    door: Door, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (door.platform_keys / "ttd-access-token-public-cert.pem").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert status_of(await door.admit(platform=[TOKEN])) == 401
    assert "ttd-access-token-public-cert.pem cannot be read" in caplog.text


async def test_a_new_issuer_counts_at_once(door: Door) -> None:
    assert status_of(await door.admit(platform=[TOKEN])) == 401
    door.register("ttd", APP)
    assert status_of(await door.admit(platform=[TOKEN])) == 200


async def test_a_replaced_key_counts_within_a_second_and_ends_the_old_ones_tokens(door: Door) -> None:
    door.register("ttd", APP)
    await door.admit(platform=[TOKEN])
    door.register("ttd", OTHER)
    door.turn(1)
    assert status_of(await door.admit(platform=[TOKEN])) == 401
    assert status_of(await door.admit(platform=[signed(platform_claims(), OTHER)])) == 200


async def test_a_replaced_key_is_noticed_even_if_the_file_looks_the_same(door: Door) -> None:
    path, tick = door.platform_keys / "ttd-access-token-public-cert", time.time_ns() + 60_000_000_000
    for key in (APP, OTHER):
        path.write_bytes(key.public_pem)
        os.utime(path, ns=(tick, tick))
        door.turn(1)
        assert status_of(await door.admit(platform=[signed(platform_claims(), key)])) == 200


async def test_a_removed_issuer_is_out_within_a_second(door: Door) -> None:
    path = door.register("ttd", APP)
    await door.admit(platform=[TOKEN])
    path.unlink()
    door.turn(1)
    assert status_of(await door.admit(platform=[TOKEN])) == 401


async def test_an_issuer_may_move_to_another_file(door: Door) -> None:
    door.register("ttd", APP).unlink()
    door.register("ttd", APP, ".pem")
    await door.admit(platform=[TOKEN])
    (door.platform_keys / "ttd-access-token-public-cert.pem").unlink()
    door.register("ttd", OTHER, ".der")
    door.turn(1)
    assert status_of(await door.admit(platform=[signed(platform_claims(), OTHER)])) == 200


async def test_a_directory_that_is_not_there_has_no_issuers(tmp_path: Path) -> None:
    directory = CertificateDirectory(tmp_path / "missing", HandTurnedClock(START))
    assert directory.source_for("ttd") is None


async def test_two_headers_are_none(door: Door) -> None:
    door.register("ttd", APP)
    assert status_of(await door.admit(platform=[TOKEN, TOKEN])) == 401
    assert await door.admit(signed(altinn_claims(), ONE), [TOKEN, TOKEN]) == await door.admit(
        signed(altinn_claims(), ONE)
    )


async def test_an_empty_header_is_none(door: Door) -> None:
    assert status_of(await door.admit(signed(altinn_claims(), ONE), [b""])) == 200


@pytest.fixture
async def published() -> AsyncIterator[tuple[ScriptedIssuer, PlatformTokens, HandTurnedClock]]:
    """Platform tokens of ttd, whose keys are published over HTTP."""
    clock, fetcher = HandTurnedClock(START), DocumentFetcher(allow_http=True)
    async with ScriptedIssuer([APP]) as issuer:
        registry = PublishedIssuers({"TTD": issuer.key_set_url}, fetcher, clock)
        yield issuer, PlatformTokens([registry], clock), clock
        await registry.aclose()
        await fetcher.aclose()


Published = tuple[ScriptedIssuer, PlatformTokens, HandTurnedClock]


async def test_published_keys_are_fetched_once(published: Published) -> None:
    issuer, tokens, _ = published
    for number in range(3):
        assert await tokens.verify(signed(platform_claims(jti=str(number)), APP)) == Caller("ttd", app="my-app")
    assert issuer.fetches == {issuer.key_set_path: 1}


async def test_an_issuer_that_publishes_nothing_is_never_asked_for(published: Published) -> None:
    issuer, tokens, _ = published
    with pytest.raises(CredentialError, match="registered"):
        await tokens.verify(signed(platform_claims("skd"), APP))
    assert issuer.fetches.total() == 0


async def test_published_keys_that_cannot_be_fetched_are_not_the_callers_fault(published: Published) -> None:
    issuer, tokens, _ = published
    issuer.mood = Mood.FAILS
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await tokens.verify(TOKEN)
    assert issuer.key_fetches == 1


async def test_unjudged_platform_tokens_matter_only_where_they_could_help(door: Door, published: Published) -> None:
    issuer, tokens, _ = published
    issuer.mood = Mood.FAILS
    gatekeeper = Gatekeeper(door.altinn, tokens, door.clock)
    platform = (b"platformaccesstoken", TOKEN)
    bearer = (b"authorization", b"Bearer " + signed(altinn_claims(), ONE))
    nameless = (b"authorization", b"Bearer " + signed(altinn_claims(org=None), ONE))
    assert status_of(await gatekeeper.admit(Policy.CREATE, [bearer, platform])) == 200
    assert status_of(await gatekeeper.admit(Policy.COMPOSED, [platform])) == 401
    assert status_of(await gatekeeper.admit(Policy.COMPOSED, [bearer, platform])) == 403
    for headers in ([platform], [nameless, platform]):
        with pytest.raises(KeysUnavailable):
            await gatekeeper.admit(Policy.CREATE, headers)


async def test_addresses_of_published_keys_must_be_https() -> None:
    fetcher = DocumentFetcher()
    with pytest.raises(SettingsError, match="https"):
        PublishedIssuers({"ttd": "http://issuer.example.com/keys"}, fetcher, HandTurnedClock(START))
    await fetcher.aclose()
