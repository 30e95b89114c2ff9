"""Answers that processes leave for each other: each of two directories stands for a process of its own."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.directories.asking import AT_ONCE, START
from tests.directories.population import KARI, NAMES, OLA, ORG, PERSONS, RESOURCE, SELF, STALE, STRANGER, write_file
from tests.support.rig import Rig
from tests.support.slow_directory import SlowDirectory
from varsel.contacts.fixed import FixedDirectory
from varsel.contacts.protocol import Directory
from varsel.contacts.sparing import Ages, SparingDirectory, SparingOptions
from varsel.model.clock import HandTurnedClock
from varsel.storage import retention
from varsel.storage.directory_answers import DirectoryAnswers
from varsel.storage.pool import Pool, open_pool

AGE = timedelta(minutes=15)
SECOND = timedelta(seconds=1)
AGES = Ages(persons=AGE)
LONG = "urn:altinn:person:idporten-email:" + "k" * 4_000 + "@example.com"

Ask = Callable[[Directory], Awaitable[Any]]
QUESTIONS: dict[str, Ask] = {
    "persons": lambda d: d.persons([KARI, OLA, STRANGER], use_stale=False),
    "stale": lambda d: d.persons([STALE], use_stale=True),
    "external identities": lambda d: d.external_identities([SELF, LONG]),
    "organisations": lambda d: d.organizations([ORG, STRANGER]),
    "users": lambda d: d.user_contacts([ORG], resource_id=RESOURCE, resource_action="read"),
    "names": lambda d: d.names(organization_numbers=[ORG], national_identity_numbers=[KARI, STALE, STRANGER]),
}


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(START)


@pytest.fixture
def asked(tmp_path: Path) -> SlowDirectory:
    """The directory that all processes ask, where it can be seen what they ask."""
    return SlowDirectory(FixedDirectory(write_file(tmp_path / "directory.json")))


def process(pool: Pool, clock: HandTurnedClock, asked: Directory, ages: Ages = AGES) -> SparingDirectory:
    return SparingDirectory(asked, clock, SparingOptions(AT_ONCE, ages), DirectoryAnswers(pool))


async def known(directory: Directory, *numbers: str) -> list[str]:
    """Return who of these is known."""
    return sorted(await directory.persons(numbers, use_stale=False))


@pytest.mark.parametrize("kind", QUESTIONS)
async def test_what_one_process_asked_no_other_asks(
    pool: Pool, clock: HandTurnedClock, asked: SlowDirectory, kind: str
) -> None:
    first = await QUESTIONS[kind](process(pool, clock, asked))
    clock.turn(AGE / 4)
    second = await QUESTIONS[kind](process(pool, clock, asked))

    assert second == first
    assert second.origins == first.origins  # also of the unknown: who was asked, and when
    assert len(asked.asked) == 1


async def test_questions_that_may_be_answered_differently_are_kept_apart(
    pool: Pool, clock: HandTurnedClock, asked: SlowDirectory, tmp_path: Path
) -> None:
    first = process(pool, clock, asked)
    assert await first.persons([STALE], use_stale=False) == {}
    await first.user_contacts([ORG], resource_id=RESOURCE, resource_action="read")
    second = process(pool, clock, asked)
    assert list(await second.persons([STALE], use_stale=True)) == [STALE]
    await second.user_contacts([ORG], resource_id=RESOURCE, resource_action="write")
    await second.user_contacts([ORG], resource_id="another", resource_action="read")
    assert await second.names(organization_numbers=[ORG], national_identity_numbers=[]) == {ORG: NAMES[ORG]}
    assert len(asked.asked) == 6

    other = SlowDirectory(FixedDirectory(write_file(tmp_path / "other.json")), name="other")
    await known(process(pool, clock, other), STALE)
    assert other.asked == [[STALE]]


async def test_only_who_is_left_is_asked_for(pool: Pool, clock: HandTurnedClock, asked: SlowDirectory) -> None:
    await known(process(pool, clock, asked), OLA, STRANGER)
    directory = process(pool, clock, asked)
    told = await directory.persons([KARI, OLA, STRANGER], use_stale=False)

    assert told == PERSONS
    assert told.origins.keys() == {KARI, OLA, STRANGER}
    assert asked.asked[1:] == [[KARI]]
    assert (directory.tally.taken, directory.tally.batches) == (2, 1)


async def test_no_answer_is_used_past_its_age_whoever_got_it(
    pool: Pool, clock: HandTurnedClock, asked: SlowDirectory
) -> None:
    await known(process(pool, clock, asked), KARI)
    clock.turn(AGE - SECOND)
    second = process(pool, clock, asked)
    assert await known(second, KARI) == [KARI]
    assert len(asked.asked) == 1

    clock.turn(SECOND)  # it is remembered for what was left of its age, and not for one of its own
    assert await known(second, KARI) == [KARI]
    assert await known(process(pool, clock, asked), KARI) == [KARI]
    assert len(asked.asked) == 2


async def test_each_process_keeps_to_its_own_age(pool: Pool, clock: HandTurnedClock, asked: SlowDirectory) -> None:
    await known(process(pool, clock, asked), KARI)
    clock.turn(AGE / 2)
    await known(process(pool, clock, asked, Ages(persons=AGE / 3)), KARI)
    await known(process(pool, clock, asked, Ages(persons=timedelta(0))), KARI)
    assert len(asked.asked) == 3
    assert await pool.fetchval("SELECT asked_at FROM directory_answers") == START + AGE / 2


async def test_an_answer_out_of_the_future_is_not_believed(
    pool: Pool, clock: HandTurnedClock, asked: SlowDirectory
) -> None:
    """The clocks of two machines differ."""
    await known(process(pool, clock, asked), KARI)
    await known(process(pool, HandTurnedClock(START - SECOND), asked), KARI)
    assert len(asked.asked) == 2
    assert await pool.fetchval("SELECT asked_at FROM directory_answers") == START  # the older did not replace it


async def test_who_is_refused_is_asked_for_by_the_next(
    pool: Pool, clock: HandTurnedClock, asked: SlowDirectory
) -> None:
    asked.guilty = {KARI}
    told = await process(pool, clock, asked).persons([KARI, OLA], use_stale=False)
    assert told.origins[KARI].refused
    asked.guilty = set()
    assert await known(process(pool, clock, asked), KARI, OLA) == sorted([KARI, OLA])
    assert asked.asked[-1] == [KARI]


async def test_a_database_that_does_not_answer_keeps_nobody_from_asking(
    database_url: str, clock: HandTurnedClock, asked: SlowDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    pool = await open_pool(database_url)
    await pool.close()
    assert await known(process(pool, clock, asked), KARI) == [KARI]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert KARI not in caplog.text


async def test_nothing_is_left_without_others_to_leave_it_to(
    pool: Pool, clock: HandTurnedClock, asked: SlowDirectory
) -> None:
    await known(SparingDirectory(asked, clock, SparingOptions(AT_ONCE)), KARI)
    assert await pool.fetchval("SELECT count(*) FROM directory_answers") == 0


async def test_neither_numbers_nor_identities_are_readable_in_it(
    pool: Pool, clock: HandTurnedClock, asked: SlowDirectory
) -> None:
    await known(process(pool, clock, asked), KARI, OLA)
    rows = await pool.fetch("SELECT digest, directory FROM directory_answers")
    assert {(len(row["digest"]), row["directory"]) for row in rows} == {(32, "slow")}


async def test_housekeeping_removes_what_is_of_no_use_any_more(pool: Pool, asked: SlowDirectory) -> None:
    rig = Rig(pool, FixedDirectory(None), now=START)
    directory = process(pool, rig.hand, asked)
    await known(directory, KARI)
    await rig.work(after=AGE - SECOND)
    await known(directory, OLA)
    assert await pool.fetchval("SELECT count(*) FROM directory_answers") == 2
    await rig.work(after=SECOND)
    assert await pool.fetchval("SELECT count(*) FROM directory_answers") == 1


async def test_housekeeping_passes_by_an_answer_that_is_being_replaced(
    pool: Pool, clock: HandTurnedClock, asked: SlowDirectory
) -> None:
    await known(process(pool, clock, asked), KARI)
    await known(process(pool, clock, asked), OLA)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "UPDATE directory_answers SET until = $1 WHERE digest = (SELECT max(digest) FROM directory_answers)",
            START + 2 * AGE,
        )
        assert await retention.remove_answers(pool, until=START + AGE) == 1  # without waiting for the other
    assert await retention.remove_answers(pool, until=START + AGE) == 0
    assert await pool.fetchval("SELECT until FROM directory_answers") == START + 2 * AGE
