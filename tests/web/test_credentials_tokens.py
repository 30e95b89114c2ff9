"""Altinn tokens at the door (integrations.md 1.15; api.md 6.2, C12 and C13)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.doorway import Door, opened_door, status_of
from tests.support.issuer import (
    CREATE,
    START,
    Mood,
    SigningKey,
    altinn_claims,
    ec_key,
    forged,
    platform_claims,
    rsa_key,
    signed,
    signed_with_public_key,
    unsigned,
)
from varsel.errors import KeysUnavailable, SettingsError
from varsel.intake.credentials import AltinnTokens, Caller
from varsel.model.clock import HandTurnedClock

NOW = int(START.timestamp())
ONE = rsa_key("one")


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened_door(tmp_path) as door:
        yield door


async def test_a_valid_token_names_its_organisation_and_scopes(door: Door) -> None:
    assert await door.admit(signed(altinn_claims(), ONE)) == Caller("ttd", frozenset({CREATE}))


@pytest.mark.parametrize(("times", "status"), [
    ({"exp": NOW - 5}, 200),
    ({"exp": NOW - 9.5}, 200),
    ({"exp": NOW - 10}, 401),
    ({"exp": NOW - 11}, 401),
    ({"exp": None}, 401),
    ({"exp": str(NOW + 600)}, 401),
    ({"exp": True}, 401),
    ({"exp": 10**30}, 401),
    ({"exp": [NOW + 600]}, 401),
    ({"nbf": NOW + 10}, 200),
    ({"nbf": NOW + 11}, 401),
    ({"nbf": "now"}, 401),
    ({"nbf": None}, 200),
])  # fmt: skip
async def test_time_is_checked_with_ten_seconds_of_skew(door: Door, times: dict[str, object], status: int) -> None:
    assert status_of(await door.admit(signed(altinn_claims(**times), ONE))) == status


@pytest.mark.parametrize("token", [
    signed(altinn_claims(), SigningKey("one", rsa_key("imposter").private)),
    forged(signed(altinn_claims(), ONE), altinn_claims(org="skd")),
    unsigned(altinn_claims()),
    unsigned(altinn_claims()) + b"AA",
    signed_with_public_key(altinn_claims(), ONE),
    signed(altinn_claims(), ONE, "RS512"),
    signed(altinn_claims(), ONE, "PS256"),
    signed(altinn_claims(), ec_key("one"), "ES256"),
    signed(altinn_claims(), ONE, headers={"crit": ["invented"], "invented": 1}),
    signed(altinn_claims(filler="x" * 20_000), ONE),
    b"not.a.token",
    b"one-part",
    b"a.b.c.d",
    b"..",
    b"\xff\xfe.\x00.a",
    b"W10.W10.W10",
    b"W1tb" * 4_000 + b".e30.AA",
    b"e30." + b"W1tb" * 4_000 + b".AA",
    b"eyJhbGciOlsiUlMyNTYiXX0.e30.AA",
])  # fmt: skip
async def test_what_the_issuer_did_not_sign_as_it_should_is_refused(door: Door, token: bytes) -> None:
    assert status_of(await door.admit(token)) == 401
    assert len(door.altinn.remembered) == 0


async def test_a_wrong_key_under_a_known_kid_causes_no_second_fetch(door: Door) -> None:
    await door.admit(signed(altinn_claims(), ONE))
    door.turn(60)
    await door.admit(signed(altinn_claims(), rsa_key("imposter"), kid="one"))
    assert door.issuer.key_fetches == 1


async def test_a_token_without_kid_is_tried_with_every_rsa_key(tmp_path: Path) -> None:
    async with opened_door(tmp_path, keys=[ec_key("elliptic"), rsa_key("two"), ONE]) as door:
        assert status_of(await door.admit(signed(altinn_claims(), ONE, kid=None))) == 200
        assert status_of(await door.admit(signed(altinn_claims(), rsa_key("imposter"), kid=None))) == 401


@pytest.mark.parametrize("jwk", [ONE.jwk_in_standard_base64(), ONE.jwk_by_certificate()], ids=["base64", "x5c"])
async def test_keys_are_read_in_every_form_that_issuers_publish(door: Door, jwk: dict[str, object]) -> None:
    door.issuer.jwks = [{"kty": "oct", "k": "AA"}, jwk | {"kid": "encrypting", "use": "enc"}, jwk]
    assert status_of(await door.admit(signed(altinn_claims(), ONE))) == 200


async def test_the_standard_base64_of_this_test_is_a_trap_indeed() -> None:
    jwk = ONE.jwk_in_standard_base64()
    assert set(str(jwk["n"])) & set("+/=")


async def test_short_keys_and_keys_for_another_algorithm_do_not_count(door: Door) -> None:
    door.issuer.jwks = [rsa_key("short", 1024).jwk(), ONE.jwk() | {"alg": "PS256"}]
    assert status_of(await door.admit(signed(altinn_claims(), ONE))) == 401
    with pytest.warns(match="1024 bits"):
        token = signed(altinn_claims(), rsa_key("short", 1024))
    assert status_of(await door.admit(token)) == 401


@pytest.mark.parametrize(("algorithm", "key"), [
    ("RS384", ONE), ("RS512", ONE), ("PS256", ONE), ("ES256", ec_key("elliptic")),
])  # fmt: skip
async def test_more_algorithms_can_be_allowed(tmp_path: Path, algorithm: str, key: SigningKey) -> None:
    async with opened_door(tmp_path, keys=[key], algorithms=[algorithm]) as door:
        assert status_of(await door.admit(signed(altinn_claims(), key, algorithm))) == 200
        assert status_of(await door.admit(signed(altinn_claims(), ONE, "RS256"))) == 401


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS1"])
def test_weak_algorithms_cannot_be_allowed(algorithm: str) -> None:
    with pytest.raises(SettingsError, match="RS256"):
        AltinnTokens([], HandTurnedClock(START), algorithms=["RS256", algorithm])


async def test_the_issuer_is_checked_only_where_wanted(tmp_path: Path) -> None:
    async with opened_door(tmp_path, check_issuer=True) as door:
        assert status_of(await door.admit(signed(altinn_claims(), ONE))) == 401
        assert status_of(await door.admit(signed(altinn_claims(iss=door.issuer.address), ONE))) == 200


@pytest.mark.parametrize(("audience", "status"), [
    (None, 200),
    ("https://notify.example.com", 200),
    (["other", "https://notify.example.com"], 200),
    ("other", 401),
    ("https://notify.example.com/", 401),
    ([], 401),
    ([7, {}], 401),
    (7, 401),
])  # fmt: skip
async def test_a_token_made_for_others_only_is_refused_where_wanted(
    tmp_path: Path, audience: object, status: int
) -> None:
    bearer = signed(altinn_claims(aud=audience), ONE)
    async with opened_door(tmp_path, audiences=["https://notify.example.com", "notify"]) as door:
        assert status_of(await door.admit(bearer)) == status
        assert status_of(await door.admit(bearer)) == status, "nor when it comes again"
        door.register("ttd", ONE)
        assert status_of(await door.admit(platform=[signed(platform_claims(aud=audience), ONE)])) == status
    async with opened_door(tmp_path) as door:
        assert status_of(await door.admit(bearer)) == 200


@pytest.mark.parametrize(("claims", "status"), [
    ({"scope": f"altinn:serviceowner {CREATE}"}, 200),
    ({"scope": f"altinn:serviceowner  {CREATE}"}, 200),
    ({"scope": ["altinn:serviceowner", CREATE]}, 200),
    ({"scope": None, "urn:altinn:scope": CREATE}, 200),
    ({"scope": "other", "urn:altinn:scope": CREATE}, 200),
    ({"scope": CREATE, "urn:altinn:scope": "other"}, 403),
    ({"scope": CREATE, "urn:altinn:scope": ""}, 403),
    ({"scope": CREATE + "2"}, 403),
    ({"scope": CREATE.upper()}, 403),
    ({"scope": "altinn:serviceowner"}, 403),
    ({"scope": f"other\t{CREATE}"}, 403),
    ({"scope": None}, 403),
    ({"scope": {"create": CREATE}}, 403),
    ({"scope": [[CREATE], 1, None]}, 403),
])  # fmt: skip
async def test_scopes_are_compared_whole(door: Door, claims: dict[str, object], status: int) -> None:
    assert status_of(await door.admit(signed(altinn_claims(**claims), ONE))) == status


@pytest.mark.parametrize("org", [None, "", "  ", 7, ["ttd"]])
async def test_a_token_without_organisation_passes_and_has_no_creator(door: Door, org: object) -> None:
    caller = await door.admit(signed(altinn_claims(org=None, **{"urn:altinn:org": org}), ONE))
    assert caller == Caller(None, frozenset({CREATE}))


async def test_no_key_set_ever_is_not_the_callers_fault(door: Door) -> None:
    door.issuer.mood = Mood.FAILS
    with pytest.raises(KeysUnavailable, match="address"):
        await door.admit(signed(altinn_claims(), ONE))
    assert status_of(await door.admit(signed(altinn_claims(exp=NOW - 60), ONE))) == 401
    assert status_of(await door.admit(b"junk")) == 401


async def test_a_remembered_token_is_not_verified_anew_but_its_expiry_is(door: Door) -> None:
    token = signed(altinn_claims(exp=NOW + 100), ONE)
    await door.admit(token)
    assert door.altinn.remembered.recall(token, NOW + 109) == Caller("ttd", frozenset({CREATE}))
    door.turn(110)
    assert status_of(await door.admit(token)) == 401
    assert len(door.altinn.remembered) == 0


async def test_remembered_tokens_are_bounded_and_the_least_used_goes_first(tmp_path: Path) -> None:
    async with opened_door(tmp_path, capacity=2) as door:
        first, second, third = (signed(altinn_claims(jti=str(number)), ONE) for number in range(3))
        for token in (first, second, first, third):
            assert status_of(await door.admit(token)) == 200
        assert [door.altinn.remembered.recall(token, NOW) is not None for token in (first, second, third)] == [
            True,
            False,
            True,
        ]
