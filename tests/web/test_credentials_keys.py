"""How the issuer's published keys are fetched, kept, renewed and done without (integrations.md 1.4)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.doorway import Door, opened_door, status_of
from tests.support.issuer import START, Mood, ScriptedIssuer, altinn_claims, rsa_key, signed
from varsel.errors import DependencyFailure, KeysUnavailable, SettingsError
from varsel.intake.credentials import DocumentFetcher, RefreshRules, discovered_keys
from varsel.model.clock import HandTurnedClock

ONE, TWO = rsa_key("one"), rsa_key("two")
DAY = 86_400
FOREVER = {"exp": int(START.timestamp()) + 30 * DAY}
OLD_TOKEN = signed(altinn_claims(**FOREVER), ONE)
NEW_TOKEN = signed(altinn_claims(**FOREVER), TWO)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened_door(tmp_path) as door:
        yield door


@pytest.fixture
async def fetcher() -> AsyncIterator[DocumentFetcher]:
    fetcher = DocumentFetcher(allow_http=True, timeout=0.2)
    yield fetcher
    await fetcher.aclose()


async def taken_over(door: Door, kid: str) -> None:
    """Wait for a background renewal that brings the key."""
    async with asyncio.timeout(5):
        while not (await door.keys.keys()).knows(kid):  # noqa: ASYNC110 -- the renewal announces itself to nobody
            await asyncio.sleep(0.001)


async def test_keys_are_fetched_once_for_many_tokens(door: Door) -> None:
    tokens = [signed(altinn_claims(jti=str(number)), ONE) for number in range(20)]
    outcomes = await asyncio.gather(*(door.admit(token) for token in tokens))
    assert {status_of(outcome) for outcome in outcomes} == {200}
    assert door.issuer.fetches == {door.issuer.discovery_path: 1, door.issuer.key_set_path: 1}


async def test_after_a_rotation_the_first_new_token_is_accepted(door: Door) -> None:
    await door.admit(OLD_TOKEN)
    door.issuer.publish(ONE, TWO)
    door.turn(31)
    assert status_of(await door.admit(NEW_TOKEN)) == 200
    assert status_of(await door.admit(OLD_TOKEN)) == 200
    assert door.issuer.key_fetches == 2


async def test_after_a_rotation_a_token_without_kid_is_accepted_too(door: Door) -> None:
    await door.admit(OLD_TOKEN)
    door.issuer.publish(TWO)
    door.turn(31)
    assert status_of(await door.admit(signed(altinn_claims(), TWO, kid=None))) == 200


async def test_unknown_keys_lead_to_a_fetch_every_thirty_seconds_at_most(door: Door) -> None:
    await door.admit(OLD_TOKEN)
    fetched = []
    for _ in range(7):
        door.turn(10)
        assert status_of(await door.admit(NEW_TOKEN)) == 401
        fetched.append(door.issuer.key_fetches)
    assert fetched == [1, 1, 2, 2, 2, 3, 3]


async def test_unknown_keys_at_the_same_moment_make_one_fetch(door: Door) -> None:
    await door.admit(OLD_TOKEN)
    door.issuer.publish(ONE, TWO)
    door.turn(31)
    tokens = [signed(altinn_claims(jti=str(number)), TWO) for number in range(20)]
    outcomes = await asyncio.gather(*(door.admit(token) for token in tokens))
    assert {status_of(outcome) for outcome in outcomes} == {200}
    assert door.issuer.key_fetches == 2


async def test_a_caller_who_leaves_does_not_take_the_fetch_along(door: Door) -> None:
    door.issuer.mood = Mood.HOLDS
    leaving, staying = (asyncio.create_task(door.admit(OLD_TOKEN)) for _ in range(2))
    await door.issuer.asked.wait()
    leaving.cancel()
    door.issuer.release()
    assert status_of(await staying) == 200
    assert leaving.cancelled()
    assert door.issuer.key_fetches == 1


async def test_a_caller_with_an_unknown_key_who_leaves_does_not_take_the_fetch_along(door: Door) -> None:
    await door.admit(OLD_TOKEN)
    door.issuer.publish(TWO)
    door.turn(31)
    door.issuer.mood = Mood.HOLDS
    door.issuer.asked.clear()
    leaving, staying = (asyncio.create_task(door.admit(NEW_TOKEN)) for _ in range(2))
    await door.issuer.asked.wait()
    leaving.cancel()
    door.issuer.release()
    assert status_of(await staying) == 200
    assert leaving.cancelled()


async def test_a_withdrawn_key_makes_remembered_tokens_worthless(door: Door) -> None:
    await door.admit(OLD_TOKEN)
    door.issuer.publish(TWO)
    door.turn(31)
    await door.admit(NEW_TOKEN)
    assert status_of(await door.admit(OLD_TOKEN)) == 401


async def test_an_unchanged_set_leaves_remembered_tokens_alone(door: Door) -> None:
    await door.admit(OLD_TOKEN)
    door.turn(31)
    await door.admit(NEW_TOKEN)
    assert door.issuer.key_fetches == 2
    assert door.altinn.remembered.recall(OLD_TOKEN, door.clock.now().timestamp()) is not None


async def test_keys_are_renewed_in_the_background_before_they_get_old(door: Door) -> None:
    await door.admit(OLD_TOKEN)
    door.issuer.publish(TWO)
    door.issuer.mood = Mood.HOLDS
    door.issuer.asked.clear()
    door.turn(3000)
    assert status_of(await door.admit(OLD_TOKEN)) == 200  # answered while the fetch is under way
    assert door.altinn.remembered.recall(OLD_TOKEN, door.clock.now().timestamp()) is not None
    await door.issuer.asked.wait()
    door.issuer.release()
    await taken_over(door, "two")
    assert status_of(await door.admit(OLD_TOKEN)) == 401


async def test_keys_that_got_old_while_nobody_called_are_renewed_first(door: Door) -> None:
    await door.admit(OLD_TOKEN)
    door.issuer.publish(TWO)
    door.turn(3601)
    assert status_of(await door.admit(OLD_TOKEN)) == 401
    assert status_of(await door.admit(NEW_TOKEN)) == 200


@pytest.mark.parametrize("mood", [
    Mood.FAILS, Mood.DROPS, Mood.REDIRECTS, Mood.TALKS_TOO_LONG, Mood.TALKS_NONSENSE, Mood.HAS_NO_KEYS,
])  # fmt: skip
async def test_the_last_good_keys_serve_for_a_day(door: Door, mood: Mood) -> None:
    await door.admit(OLD_TOKEN)
    door.issuer.mood = mood
    door.turn(DAY - 0.5)
    assert status_of(await door.admit(OLD_TOKEN)) == 200
    door.turn(0.5)
    with pytest.raises(KeysUnavailable):
        await door.admit(OLD_TOKEN)
    door.issuer.mood = Mood.WELL
    door.turn(60)
    assert status_of(await door.admit(OLD_TOKEN)) == 200
    assert f"/elsewhere{door.issuer.discovery_path}" not in door.issuer.fetches


async def test_how_long_the_last_good_keys_serve_can_be_set(tmp_path: Path) -> None:
    async with opened_door(tmp_path, rules=RefreshRules(last_good=timedelta(days=3))) as door:
        await door.admit(OLD_TOKEN)
        door.issuer.mood = Mood.FAILS
        door.turn(3 * DAY - 1)
        assert status_of(await door.admit(OLD_TOKEN)) == 200
        door.turn(1)
        with pytest.raises(KeysUnavailable):
            await door.admit(OLD_TOKEN)


async def test_an_issuer_that_is_down_at_start_is_left_alone_longer_and_longer(door: Door) -> None:
    door.issuer.mood = Mood.FAILS
    attempts: list[int] = []
    for second in range(64):
        with pytest.raises(KeysUnavailable):
            await door.admit(OLD_TOKEN)
        if door.issuer.fetches.total() > len(attempts):
            attempts.append(second)
        door.turn(1)
    assert attempts == [0, 1, 3, 7, 15, 31, 63]


async def test_an_issuer_that_comes_up_is_used_after_the_pause(door: Door) -> None:
    door.issuer.mood = Mood.FAILS
    with pytest.raises(KeysUnavailable):
        await door.admit(OLD_TOKEN)
    door.issuer.mood = Mood.WELL
    door.turn(1)
    assert status_of(await door.admit(OLD_TOKEN)) == 200


async def test_an_issuer_that_is_busy_is_left_alone_as_long_as_it_wishes(door: Door) -> None:
    door.issuer.mood = Mood.IS_BUSY
    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            await door.admit(OLD_TOKEN)
        assert door.issuer.fetches.total() == 1
        door.turn(29)
    door.issuer.mood = Mood.WELL
    assert status_of(await door.admit(OLD_TOKEN)) == 200


async def test_a_silent_issuer_is_given_up(door: Door, fetcher: DocumentFetcher) -> None:
    door.issuer.mood = Mood.HOLDS
    with pytest.raises(DependencyFailure, match="Timeout"):
        await fetcher.get(door.issuer.key_set_url)


async def test_an_unreachable_issuer_is_a_failure_like_any_other(fetcher: DocumentFetcher) -> None:
    async with ScriptedIssuer([ONE]) as issuer:
        url = issuer.key_set_url
    with pytest.raises(DependencyFailure, match="ConnectError"):
        await fetcher.get(url)


@pytest.mark.parametrize("address", ["http://issuer.example.com/", "ftp://issuer.example.com/", "issuer", "https://"])
async def test_only_https_will_do_unless_said_otherwise(address: str) -> None:
    fetcher = DocumentFetcher()
    with pytest.raises(SettingsError, match="https"):
        discovered_keys(address, fetcher, HandTurnedClock(START))
    with pytest.raises(DependencyFailure, match="https"):
        await fetcher.get(address)
    await fetcher.aclose()
