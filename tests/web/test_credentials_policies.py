"""Who gets in where, in whose name, by which header or cookie (api.md 2 and 6.2, C11 to C14; contract/README.md)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.doorway import Door, Header, opened_door, status_of
from tests.support.issuer import (
    COMPOSED,
    CREATE,
    START,
    SUPPORT,
    Mood,
    altinn_claims,
    platform_claims,
    rsa_key,
    signed,
    unsigned,
)
from varsel.errors import KeysUnavailable
from varsel.intake.credentials import ANONYMOUS, Caller, Denied, Policy

ONE, APP = rsa_key("one"), rsa_key("app")
BEARER = signed(altinn_claims(), ONE)
SKD = signed(altinn_claims(org="skd"), ONE)
EXPIRED = signed(altinn_claims(exp=int(START.timestamp()) - 60), ONE)
NAMELESS = signed(altinn_claims(org=None), ONE)
SCOPELESS = signed(altinn_claims("other"), ONE)
PLATFORM = signed(platform_claims(), APP)
FORGED = unsigned(platform_claims("skd")) + b"AA"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened_door(tmp_path) as door:
        door.register("ttd", APP)
        door.register("platform", APP)
        yield door


@pytest.mark.parametrize(("policy", "scope", "status"), [
    (Policy.CREATE, CREATE, 200),
    (Policy.CREATE, COMPOSED, 403),
    (Policy.CREATE, SUPPORT, 403),
    (Policy.COMPOSED, COMPOSED, 200),
    (Policy.COMPOSED, CREATE, 403),
    (Policy.DASHBOARD, SUPPORT, 200),
    (Policy.DASHBOARD, f"{CREATE} {COMPOSED}", 403),
    (Policy.NONE, "", 200),
])  # fmt: skip
async def test_each_policy_wants_its_scope(door: Door, policy: Policy, scope: str, status: int) -> None:
    assert status_of(await door.admit(signed(altinn_claims(scope), ONE), policy=policy)) == status


@pytest.mark.parametrize(("policy", "status"), [
    (Policy.CREATE, 200), (Policy.COMPOSED, 401), (Policy.DASHBOARD, 401),
])  # fmt: skip
async def test_a_platform_token_alone_suffices_only_to_create(door: Door, policy: Policy, status: int) -> None:
    assert status_of(await door.admit(platform=[PLATFORM], policy=policy)) == status


@pytest.mark.parametrize("policy", [Policy.CREATE, Policy.COMPOSED, Policy.DASHBOARD])
async def test_nobody_is_unauthenticated(door: Door, policy: Policy) -> None:
    assert await door.admit(policy=policy) == Denied(401, "no valid credential was presented")


async def test_where_nothing_is_demanded_nothing_is_looked_at(door: Door) -> None:
    door.issuer.mood = Mood.FAILS
    assert await door.admit(BEARER, [b"junk"], policy=Policy.NONE) is ANONYMOUS
    assert door.issuer.fetches.total() == 0


@pytest.mark.parametrize(("bearer", "platform", "creator"), [
    (BEARER, [], "ttd"),
    (None, [PLATFORM], "ttd"),
    (BEARER, [PLATFORM], "ttd"),
    (NAMELESS, [PLATFORM], "ttd"),
    (NAMELESS, [], None),
    (SCOPELESS, [PLATFORM], "ttd"),
    (EXPIRED, [PLATFORM], "ttd"),
    (b"junk", [PLATFORM], "ttd"),
    (BEARER, [FORGED], "ttd"),
    (BEARER, [b"junk"], "ttd"),
    (SKD, [signed(platform_claims(), ONE)], "skd"),
    (NAMELESS, [FORGED], None),
    (None, [signed(platform_claims("platform"), APP)], "platform"),
])  # fmt: skip
async def test_the_creator_is_named_by_a_verified_credential(
    door: Door, bearer: bytes | None, platform: list[bytes], creator: str | None
) -> None:
    caller = await door.admit(bearer, platform)
    assert isinstance(caller, Caller)
    assert caller.creator == creator


@pytest.mark.parametrize(("bearer", "platform", "status"), [
    (SKD, PLATFORM, 403),
    (signed(altinn_claims("other", "skd"), ONE), PLATFORM, 403),
    (signed(altinn_claims(org="TTD"), ONE), PLATFORM, 403),
    (BEARER, signed(platform_claims("platform"), APP), 403),
    (SCOPELESS, FORGED, 403),
    (EXPIRED, FORGED, 401),
])  # fmt: skip
async def test_credentials_that_disagree_or_do_not_suffice_are_refused(
    door: Door, bearer: bytes, platform: bytes, status: int
) -> None:
    assert status_of(await door.admit(bearer, [platform])) == status


async def test_disagreement_is_refused_for_every_policy(door: Door) -> None:
    token = signed(altinn_claims(COMPOSED, "skd"), ONE)
    assert status_of(await door.admit(token, [PLATFORM], policy=Policy.COMPOSED)) == 403


async def test_scopes_stay_known_when_the_platform_token_names_the_creator(door: Door) -> None:
    assert await door.admit(BEARER, [PLATFORM]) == Caller("ttd", frozenset({CREATE}), "my-app")


async def test_a_good_platform_token_helps_while_the_issuer_is_down(door: Door) -> None:
    door.issuer.mood = Mood.FAILS
    assert status_of(await door.admit(BEARER, [PLATFORM])) == 200
    with pytest.raises(KeysUnavailable):
        await door.admit(BEARER, [FORGED])


async def test_a_refusal_tells_operators_why_and_gives_nothing_away(door: Door) -> None:
    denied = await door.admit(EXPIRED, [FORGED])
    assert isinstance(denied, Denied)
    assert "expired" in denied.reason
    assert "algorithm" in denied.reason
    assert not {"ttd", "skd"} & set(denied.reason.split())


def authorization(value: bytes) -> Header:
    return (b"authorization", value)


def cookie(value: bytes) -> Header:
    return (b"cookie", value)


JUNK = b"junk"


@pytest.mark.parametrize(("headers", "creator"), [
    ([authorization(b"Bearer " + BEARER)], "ttd"),
    ([authorization(b"bearer " + BEARER)], "ttd"),
    ([authorization(b"BEARER   " + BEARER + b" ")], "ttd"),
    ([authorization(BEARER)], None),
    ([authorization(b"Basic " + BEARER)], None),
    ([authorization(b"Bearer")], None),
    ([authorization(b"Bearer\t" + BEARER)], None),
    ([authorization(b"Bearer " + BEARER), authorization(b"Bearer " + BEARER)], None),
    ([cookie(b".ALTINNTOKEN=" + BEARER)], "ttd"),
    ([cookie(b"AltinnStudioRuntime=" + BEARER)], "ttd"),
    ([cookie(b"a=b; AltinnStudioRuntime=" + BEARER + b"; c=d=e; f")], "ttd"),
    ([cookie(b"AltinnStudioRuntime=" + BEARER + b"; .ALTINNTOKEN=" + SKD)], "skd"),
    ([cookie(b".ALTINNTOKEN=; AltinnStudioRuntime=" + BEARER)], "ttd"),
    ([cookie(b".ALTINNTOKEN=junk; AltinnStudioRuntime=" + BEARER)], None),
    ([cookie(b".ALTINNTOKEN=" + SKD + b"; .ALTINNTOKEN=" + BEARER)], "skd"),
    ([cookie(b"other=" + BEARER)], None),
    ([cookie(b"altinnstudioruntime=" + BEARER)], None),
    ([cookie(b"a=b"), cookie(b".ALTINNTOKEN=" + BEARER)], "ttd"),
    ([authorization(b""), cookie(b".ALTINNTOKEN=" + BEARER)], "ttd"),
    ([authorization(b"Bearer "), cookie(b".ALTINNTOKEN=" + BEARER)], "ttd"),
    ([authorization(b"Basic dXNlcjpwdw=="), cookie(b".ALTINNTOKEN=" + BEARER)], "ttd"),
    ([authorization(b"Bearer " + SKD), cookie(b".ALTINNTOKEN=" + BEARER)], "skd"),
    ([authorization(b"Bearer junk"), cookie(b".ALTINNTOKEN=" + BEARER)], None),
])  # fmt: skip
async def test_where_the_token_is_taken_from(door: Door, headers: list[Header], creator: str | None) -> None:
    outcome = await door.admit(headers=headers)
    assert (outcome.creator if isinstance(outcome, Caller) else None) == creator
    assert status_of(outcome) == (401 if creator is None else 200)


async def test_the_runtime_cookie_can_have_another_name(tmp_path: Path) -> None:
    async with opened_door(tmp_path, runtime_cookie="session") as door:
        assert status_of(await door.admit(headers=[cookie(b"session=" + BEARER)])) == 200
        assert status_of(await door.admit(headers=[cookie(b"AltinnStudioRuntime=" + BEARER)])) == 401


async def test_cookies_can_be_turned_off(tmp_path: Path) -> None:
    async with opened_door(tmp_path, runtime_cookie="") as door:
        for name in (b".ALTINNTOKEN", b"AltinnStudioRuntime", b""):
            assert status_of(await door.admit(headers=[cookie(name + b"=" + BEARER)])) == 401
