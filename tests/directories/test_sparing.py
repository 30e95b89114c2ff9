"""Asking sparingly: batches, one flight per key, remembering, and who fails with whom."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.directories.asking import AT_ONCE, START, altinn_directory
from tests.directories.population import (
    CLERK,
    KARI,
    MANAGER,
    NAMES,
    OLA,
    ORG,
    PERSONS,
    RESOURCE,
    SELF,
    STALE,
    STRANGER,
    populate,
    write_file,
)
from tests.support.altinn import DECISION, Altinn
from tests.support.altinn import PERSONS as ALTINN_PERSONS
from tests.support.slow_directory import SlowDirectory, closed_today
from varsel.contacts.altinn import CallOptions
from varsel.contacts.fixed import FixedDirectory
from varsel.contacts.limits import Limits
from varsel.contacts.protocol import Told
from varsel.contacts.sequence import DirectorySequence, in_sequence
from varsel.contacts.sparing import Ages, Gathering, SparingDirectory, SparingOptions
from varsel.contacts.sparing.memory import Memory
from varsel.errors import DependencyFailure
from varsel.model.clock import HandTurnedClock
from varsel.model.contacts import Origin, PersonContact

HOUR = timedelta(hours=1)
PATIENT = Gathering(quiet=HOUR, longest=HOUR)
AGES = Ages(
    persons=timedelta(minutes=10),
    external_identities=timedelta(minutes=20),
    organizations=timedelta(minutes=30),
    user_contacts=timedelta(minutes=5),
    names=timedelta(minutes=40),
)


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(START)


@pytest.fixture
def slow(tmp_path: Path) -> SlowDirectory:
    return SlowDirectory(FixedDirectory(write_file(tmp_path / "directory.json")))


def sparing(
    slow: SlowDirectory,
    clock: HandTurnedClock,
    gathering: Gathering = AT_ONCE,
    ages: Ages = AGES,
    memory: int = 10_000_000,
) -> SparingDirectory:
    return SparingDirectory(slow, clock, SparingOptions(gathering, ages, memory))


def numbers(count: int, first: int = 0) -> list[str]:
    return [f"{number:011}" for number in range(first, first + count)]


async def test_questions_of_the_same_moment_share_a_call(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock)
    asked = [KARI, OLA, STRANGER]
    answers = await asyncio.gather(*(directory.persons([number], use_stale=False) for number in asked))
    assert answers == [{number: PERSONS[number]} if number in PERSONS else {} for number in asked]
    assert slow.asked == [sorted(asked)]


async def test_a_full_batch_leaves_without_waiting_for_company(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock, Gathering(3, HOUR, HOUR))
    first, second = numbers(2), numbers(4, first=2)
    waiting = [asyncio.create_task(directory.persons(part, use_stale=False)) for part in (first, second)]
    await asyncio.gather(*waiting)
    assert slow.asked == [numbers(3), numbers(3, first=3)]


async def test_a_batch_leaves_after_the_longest_time_however_many_come(
    slow: SlowDirectory, clock: HandTurnedClock
) -> None:
    directory = sparing(slow, clock, Gathering(1000, HOUR, timedelta(milliseconds=5)))
    assert await directory.persons([KARI], use_stale=False) == {KARI: PERSONS[KARI]}


async def test_a_batch_that_is_nearly_full_hardly_waits(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock, Gathering(10_000, timedelta(minutes=10), HOUR))
    async with asyncio.timeout(10):
        await directory.persons(numbers(9_999), use_stale=False)
    assert slow.asked == [numbers(9_999)]


async def test_time_in_which_nobody_could_be_heard_is_no_silence(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock, Gathering(quiet=timedelta(milliseconds=50), longest=HOUR))
    first = asyncio.create_task(directory.persons([KARI], use_stale=False))
    await asyncio.sleep(0)
    keep_busy(timedelta(milliseconds=60))
    for _ in range(5):  # long enough for a batch to leave, if it would
        await asyncio.sleep(0)
    await asyncio.gather(first, directory.persons([OLA], use_stale=False))
    assert slow.asked == [sorted([KARI, OLA])]


def keep_busy(length: timedelta) -> None:
    """Hold up the loop, as handing out a thousand answers does."""
    end = monotonic() + length.total_seconds()
    while monotonic() < end:
        continue


async def test_a_key_that_is_under_way_is_waited_for(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock)
    slow.hold()
    first = asyncio.create_task(directory.persons([KARI, OLA], use_stale=False))
    await slow.wait_for_questions(1)
    second = asyncio.create_task(directory.persons([OLA, STRANGER], use_stale=False))
    await slow.wait_for_questions(2)
    slow.release()
    assert (await first, await second) == (PERSONS, {OLA: PERSONS[OLA]})
    assert slow.asked == [sorted([KARI, OLA]), [STRANGER]]


async def test_while_all_turns_are_taken_the_next_batch_keeps_boarding(
    slow: SlowDirectory, clock: HandTurnedClock
) -> None:
    directory = sparing(slow, clock, Gathering(quiet=timedelta(0), calls_at_once=1))
    slow.hold()
    asking = [asyncio.create_task(directory.persons([KARI], use_stale=False))]
    await slow.wait_for_questions(1)
    for number in numbers(3):
        asking.append(asyncio.create_task(directory.persons([number], use_stale=False)))
        for _ in range(5):  # long enough for a batch to leave, if it could
            await asyncio.sleep(0)
    slow.release()
    await asyncio.gather(*asking)
    assert slow.asked == [[KARI], numbers(3)]


async def test_a_slow_component_holds_up_no_question_that_needs_another(clock: HandTurnedClock) -> None:
    """Authorization hangs, asked for as many resources as there are turns; persons are answered by Profile."""
    async with Altinn() as server:
        populate(server)
        server.held_paths.add(DECISION)
        directory = SparingDirectory(altinn_directory(server), clock, SparingOptions(AT_ONCE, AGES))
        server.units = {ORG: {"organizationNumber": ORG, "partyId": 7, "userContactPoints": [{"userId": 1}]}}
        waiting = [
            asyncio.create_task(directory.user_contacts([ORG], resource_id=f"r{n}", resource_action="read"))
            for n in range(AT_ONCE.calls_at_once + 1)
        ]
        await server.wait_for(lambda: server.counts[DECISION] == AT_ONCE.calls_at_once)
        async with asyncio.timeout(5):
            assert await directory.persons([KARI], use_stale=False) == {KARI: PERSONS[KARI]}
        server.release()
        assert await asyncio.gather(*waiting) == [{ORG: []}] * len(waiting)
        await directory.close()


async def test_kinds_of_questions_and_their_conditions_are_kept_apart(
    slow: SlowDirectory, clock: HandTurnedClock
) -> None:
    directory = sparing(slow, clock)
    for _ in range(2):
        assert set(await directory.persons([STALE], use_stale=True)) == {STALE}
        assert set(await directory.persons([STALE], use_stale=False)) == set()
        for resource, users in {RESOURCE: [MANAGER, CLERK], "other": [CLERK]}.items():
            for action in ("read", "sign"):
                found = await directory.user_contacts([ORG], resource_id=resource, resource_action=action)
                assert found == {ORG: users}
    assert slow.asked == [[STALE]] * 2 + [[ORG]] * 4


async def test_unknown_parties_are_remembered_too(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock)
    for _ in range(3):
        assert await directory.persons([STRANGER, KARI], use_stale=False) == {KARI: PERSONS[KARI]}
        assert await directory.external_identities(["urn:altinn:username:nobody"]) == {}
        assert await directory.names(organization_numbers=["9" * 9], national_identity_numbers=[KARI]) == {
            KARI: NAMES[KARI]
        }
    assert len(slow.asked) == 3
    assert (directory.tally.asked, directory.tally.remembered, directory.tally.batches) == (15, 10, 3)


async def test_names_of_both_sorts_share_a_call(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock)
    found = await asyncio.gather(
        directory.names(organization_numbers=[ORG], national_identity_numbers=[]),
        directory.names(organization_numbers=[], national_identity_numbers=[KARI]),
    )
    assert list(found) == [{ORG: NAMES[ORG]}, {KARI: NAMES[KARI]}]
    assert slow.asked == [sorted([ORG, KARI])]


async def ask_everything(directory: SparingDirectory) -> None:
    await directory.persons([KARI], use_stale=False)
    await directory.external_identities([SELF])
    await directory.organizations([ORG])
    await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="read")
    await directory.names(organization_numbers=[ORG], national_identity_numbers=[KARI])


async def test_every_kind_is_asked_anew_at_its_own_age(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock)
    asked = []
    for minute in (0, 4, 5, 10, 20, 30, 40):
        clock.turn_to(START + timedelta(minutes=minute) - timedelta(microseconds=1 if minute == 4 else 0))
        before = len(slow.asked)
        await ask_everything(directory)
        asked.append(len(slow.asked) - before)
    # Users at 5, 10, 20, 30, 40; persons at 10, 20, 30, 40; externals at 20, 40; organisations at 30; names at 40.
    assert asked == [5, 0, 1, 2, 3, 3, 4]


async def test_the_age_counts_from_the_question(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock)
    slow.hold()
    early = asyncio.create_task(directory.persons([KARI], use_stale=False))
    await slow.wait_for_questions(1)
    clock.turn(timedelta(minutes=2))
    late = asyncio.create_task(directory.persons([OLA], use_stale=False))
    await slow.wait_for_questions(2)
    slow.release()
    await asyncio.gather(early, late)
    clock.turn(timedelta(minutes=8))
    await directory.persons([KARI, OLA], use_stale=False)
    assert slow.asked[2:] == [[KARI]]


def test_what_lands_late_is_forgotten_by_when_it_was_asked_for(clock: HandTurnedClock) -> None:
    drawer = Memory(clock, limit=10_000).drawer(timedelta(minutes=10))
    asked_at = clock.now()
    drawer.keep(None, {"late": b"2"}, clock.turn(timedelta(minutes=2)))
    drawer.keep(None, {"early": b"1"}, asked_at)
    clock.turn(timedelta(minutes=8))
    assert drawer.look(None, ["early", "late"]) == ({"late": b"2"}, ["early"])


def test_ever_older_answers_of_other_processes_share_shelves_and_none_outlives_its_age(clock: HandTurnedClock) -> None:
    age, second = timedelta(minutes=10), timedelta(seconds=1)
    drawer = Memory(clock, limit=1_000_000).drawer(age)
    for seconds in range(500):
        drawer.keep(None, {str(seconds): b""}, START - seconds * second)
    assert len(drawer.shelves) < 10
    assert drawer.look(None, ["499"]) == ({"499": b""}, [])

    clock.turn(age - 499 * second)
    assert drawer.look(None, ["499"]) == ({}, ["499"])
    assert drawer.look(None, ["0"]) == ({"0": b""}, [])


async def test_a_clock_that_is_set_back_makes_nothing_last_longer(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock)
    await directory.persons([KARI], use_stale=False)
    clock.turn(-timedelta(days=1))
    await directory.persons([KARI], use_stale=False)
    assert len(slow.asked) == 2


async def test_an_age_of_zero_remembers_nothing(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock, ages=Ages(persons=timedelta(0)))
    for _ in range(2):
        await directory.persons([KARI], use_stale=False)
    assert len(slow.asked) == 2


async def test_memory_is_bounded_and_the_oldest_goes_first(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock, memory=100_000)
    crowd = numbers(2_000)
    for start in range(0, 2_000, 100):
        await directory.persons(crowd[start : start + 100], use_stale=False)
    before = len(slow.asked)
    await directory.persons(crowd[-300:], use_stale=False)
    assert len(slow.asked) == before
    await directory.persons(crowd[:100], use_stale=False)
    assert slow.asked[before:] == [crowd[:100]]


async def test_failures_are_told_to_all_who_wait_and_never_remembered(
    slow: SlowDirectory, clock: HandTurnedClock
) -> None:
    directory = sparing(slow, clock)
    slow.failures.append(closed_today())
    outcomes = await asyncio.gather(
        *(directory.persons([number], use_stale=False) for number in (KARI, OLA)), return_exceptions=True
    )
    assert [str(outcome) for outcome in outcomes] == ["slow could not answer a question: it is closed today"] * 2
    assert outcomes[0] is not outcomes[1]
    assert await directory.persons([KARI], use_stale=False) == {KARI: PERSONS[KARI]}


async def test_a_failing_batch_fails_nobody_else(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock, Gathering(2, HOUR, HOUR))
    slow.failures.append(closed_today())
    unlucky, lucky = numbers(2), [KARI, OLA]
    outcomes = await asyncio.gather(
        directory.persons(unlucky, use_stale=False), directory.persons(lucky, use_stale=False), return_exceptions=True
    )
    assert isinstance(outcomes[0], DependencyFailure)
    assert outcomes[1] == PERSONS


async def test_of_a_refused_batch_only_the_guilty_fail(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock)
    crowd = numbers(500)
    slow.guilty = {crowd[123]}
    outcomes = await asyncio.gather(
        *(directory.persons([number], use_stale=False) for number in [*crowd, KARI]), return_exceptions=True
    )
    assert all(isinstance(outcome, Told) for outcome in outcomes)
    refused = [at for at, told in enumerate(outcomes) if isinstance(told, Told) and is_refused(told)]
    assert refused == [123]
    assert outcomes[-1] == {KARI: PERSONS[KARI]}
    assert len(slow.asked) < 25


def is_refused(told: Told[PersonContact]) -> bool:
    (origin,) = told.origins.values()
    assert not told or not origin.refused
    return origin == Origin("slow", START, refused=True)


async def test_many_guilty_ones_are_all_found(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock)
    crowd = numbers(500)
    slow.guilty = set(crowd[::5])
    told = await directory.persons([*crowd, KARI], use_stale=False)
    assert {key for key, origin in told.origins.items() if origin.refused} == slow.guilty
    assert told == {KARI: PERSONS[KARI]}


async def test_who_is_refused_alone_is_told_so_each_time(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    directory = sparing(slow, clock)
    slow.guilty = {STRANGER}
    for _ in range(2):
        assert is_refused(await directory.persons([STRANGER], use_stale=False))
    slow.guilty = set()
    assert not is_refused(await directory.persons([STRANGER], use_stale=False))


async def test_a_second_one_refused_with_nothing_answered_in_between_is_the_directorys_fault(
    slow: SlowDirectory, clock: HandTurnedClock
) -> None:
    directory = sparing(slow, clock)
    slow.guilty = {OLA, STRANGER}
    assert is_refused(await directory.persons([STRANGER], use_stale=False))
    for number in (OLA, STRANGER):
        with pytest.raises(DependencyFailure, match="status 400, whoever was asked about"):
            await directory.persons([number], use_stale=False)
    await directory.persons([KARI], use_stale=False)
    assert is_refused(await directory.persons([OLA], use_stale=False))


async def test_a_component_that_refuses_everybody_has_failed_and_is_left_alone(clock: HandTurnedClock) -> None:
    async with Altinn() as server:
        populate(server)
        server.refused = {KARI, OLA}
        altinn = altinn_directory(server, clock, limits=Limits(failures=2, first_rest=timedelta(seconds=5)))
        directory = SparingDirectory(altinn, clock, SparingOptions(AT_ONCE, AGES))
        for says in ("status 400, whoever", "status 400, whoever", "left alone"):
            with pytest.raises(DependencyFailure, match=says):
                await directory.persons([KARI, OLA], use_stale=False)
        server.refused = set()
        clock.turn(timedelta(seconds=7))
        assert await directory.persons([KARI, OLA], use_stale=False) == PERSONS
        await directory.close()


async def test_answers_of_which_none_is_usable_are_the_directorys_fault_too(clock: HandTurnedClock) -> None:
    async with Altinn() as server:
        server.persons = {n: {"nationalIdentityNumber": n, "email": 1} for n in (KARI, OLA)}
        directory = SparingDirectory(altinn_directory(server), clock, SparingOptions(AT_ONCE, AGES))
        assert (await directory.persons([KARI], use_stale=False)).origins[KARI].refused
        with pytest.raises(DependencyFailure, match="no usable answer about anybody"):
            await directory.persons([OLA], use_stale=False)
        await directory.close()


async def test_an_odd_entry_costs_neither_its_batch_nor_the_component_anything(clock: HandTurnedClock) -> None:
    async with Altinn() as server:
        populate(server)
        server.persons[OLA] = {"nationalIdentityNumber": OLA, "mobileNumber": 99999999}
        altinn = altinn_directory(server, limits=Limits(failures=1))
        directory = SparingDirectory(altinn, clock, SparingOptions(AT_ONCE, AGES))
        for _ in range(3):
            told = await directory.persons([KARI, OLA, STRANGER], use_stale=False)
            assert told == {KARI: PERSONS[KARI]}
            asked = Origin("altinn", START)
            assert told.origins == {KARI: asked, STRANGER: asked, OLA: Origin("altinn", START, refused=True)}
        assert [len(each["nationalIdentityNumbers"]) for each in server.asked(ALTINN_PERSONS)] == [3, 1, 1]
        await directory.close()


async def test_an_entry_that_may_be_anybodys_is_found_by_halving(clock: HandTurnedClock) -> None:
    async with Altinn() as server:
        populate(server)
        server.persons[OLA] = {"nationalIdentityNumber": int(OLA)}
        directory = SparingDirectory(altinn_directory(server), clock, SparingOptions(AT_ONCE, AGES))
        outcomes = await asyncio.gather(
            *(directory.persons([number], use_stale=False) for number in (KARI, OLA, STRANGER))
        )
        assert outcomes[0] == {KARI: PERSONS[KARI]}
        assert isinstance(outcomes[1], Told)
        assert outcomes[1].origins == {OLA: Origin("altinn", START, refused=True)}
        assert outcomes[2] == {}
        await directory.close()


async def test_a_batch_whose_answer_is_too_large_is_split_until_it_fits(clock: HandTurnedClock) -> None:
    async with Altinn() as server:
        crowd = numbers(64)
        server.persons = {n: {"nationalIdentityNumber": n, "email": "x" * 1000} for n in crowd}
        altinn = altinn_directory(server, call=CallOptions(largest_answer=20_000))
        directory = SparingDirectory(altinn, clock, SparingOptions(AT_ONCE, AGES))
        assert set(await directory.persons(crowd, use_stale=False)) == set(crowd)
        sizes = Counter(len(asked["nationalIdentityNumbers"]) for asked in server.asked(ALTINN_PERSONS))
        assert sizes == {64: 1, 32: 2, 16: 4}
        await directory.close()


async def test_who_is_refused_stays_so_unless_a_later_directory_knows_him(slow: SlowDirectory) -> None:
    async with Altinn() as server:
        populate(server)
        server.persons = {number: {"nationalIdentityNumber": number, "email": 1} for number in (KARI, STRANGER)}
        server.persons[OLA] = {"nationalIdentityNumber": OLA}
        directory = in_sequence([altinn_directory(server), slow])
        told = await directory.persons([KARI, STRANGER, OLA], use_stale=False)
        await directory.close()
    assert told == {KARI: PERSONS[KARI], OLA: PersonContact(OLA)}
    assert isinstance(told, Told)
    assert told.origins[KARI] == Origin("slow")
    assert told.origins[STRANGER] == Origin("altinn+slow", refused=True)


async def test_a_directory_that_refuses_everything_is_not_asked_for_ever(
    slow: SlowDirectory, clock: HandTurnedClock
) -> None:
    directory = sparing(slow, clock)
    slow.guilty = set(numbers(1_000))
    with pytest.raises(DependencyFailure, match="status 400"):
        await directory.persons(numbers(1_000), use_stale=False)
    assert len(slow.asked) <= 81


async def test_a_mistake_in_a_directory_is_logged_and_leaves_nobody_waiting(
    slow: SlowDirectory, clock: HandTurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    directory = sparing(slow, clock)
    slow.failures.append(ZeroDivisionError())
    with caplog.at_level(logging.ERROR), pytest.raises(DependencyFailure, match="ZeroDivisionError while asking"):
        await directory.persons([KARI], use_stale=False)
    assert "asking slow for persons broke" in caplog.text
    assert KARI not in caplog.text


async def test_one_who_gives_up_waiting_takes_nothing_from_the_others(
    slow: SlowDirectory, clock: HandTurnedClock
) -> None:
    directory = sparing(slow, clock)
    slow.hold()
    impatient = asyncio.create_task(directory.persons([KARI], use_stale=False))
    patient = asyncio.create_task(directory.persons([KARI], use_stale=False))
    await slow.wait_for_questions(1)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    slow.release()
    assert await patient == {KARI: PERSONS[KARI]}
    assert len(slow.asked) == 1


@pytest.mark.parametrize("gathering", [AT_ONCE, PATIENT])
async def test_closing_tells_those_who_wait(slow: SlowDirectory, clock: HandTurnedClock, gathering: Gathering) -> None:
    directory = sparing(slow, clock, gathering)
    slow.hold()
    waiting = asyncio.create_task(directory.persons([KARI], use_stale=False))
    if gathering is AT_ONCE:
        await slow.wait_for_questions(1)
    else:
        await asyncio.sleep(0)
    await directory.close()
    with pytest.raises(DependencyFailure, match="Varsel is stopping"):
        await waiting
    assert slow.closed


async def test_answers_tell_which_directory_gave_them_and_when(slow: SlowDirectory, clock: HandTurnedClock) -> None:
    first = SlowDirectory(FixedDirectory(None), name="first")
    directory = SparingDirectory(DirectorySequence([first, slow]), clock, SparingOptions(AT_ONCE, AGES))
    expected = {KARI: Origin("slow", START), STRANGER: Origin("first+slow", START)}
    for _ in range(2):
        assert (await directory.persons([KARI, STRANGER], use_stale=False)).origins == expected
        clock.turn(timedelta(minutes=3))
    named = await directory.names(organization_numbers=[ORG], national_identity_numbers=[])
    assert named.origins == {ORG: Origin("slow", START + timedelta(minutes=6))}


async def test_the_next_directory_is_asked_only_for_whom_the_first_does_not_know(slow: SlowDirectory) -> None:
    empty = SlowDirectory(FixedDirectory(None), name="empty")
    last = SlowDirectory(FixedDirectory(None), name="last")
    directory = in_sequence([empty, slow, last])
    assert await directory.persons([KARI, OLA, STRANGER], use_stale=False) == PERSONS
    assert [empty.asked, slow.asked, last.asked] == [[sorted([KARI, OLA, STRANGER])]] * 2 + [[[STRANGER]]]
    await directory.names(organization_numbers=[ORG], national_identity_numbers=[KARI])
    assert len(last.asked) == 1
    assert (await directory.check()).startswith("empty: ")
    await directory.close()
    assert empty.closed
    assert last.closed


async def test_a_failing_directory_fails_the_sequence(slow: SlowDirectory) -> None:
    empty = SlowDirectory(FixedDirectory(None), name="empty")
    empty.failures.append(closed_today("empty"))
    with pytest.raises(DependencyFailure, match="closed today"):
        await in_sequence([empty, slow]).persons([KARI], use_stale=False)
    assert slow.asked == []


def test_a_sequence_of_one_is_that_one(slow: SlowDirectory) -> None:
    assert in_sequence([slow]) is slow


@settings(max_examples=60, deadline=None)
@given(
    questions=st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=15),
    size=st.integers(1, 7),
    turns=st.integers(1, 3),
)
def test_whatever_is_asked_at_once_each_key_is_asked_for_once(
    questions: Sequence[Sequence[int]], size: int, turns: int
) -> None:
    async def asked_at_once() -> None:
        slow = SlowDirectory(FixedDirectory(None))
        gathering = Gathering(size, timedelta(0), timedelta(0), turns)
        directory = sparing(slow, HandTurnedClock(START), gathering)
        wanted = [[f"{number:011}" for number in question] for question in questions]
        told = await asyncio.gather(*(directory.persons(part, use_stale=False) for part in wanted))
        assert [set(answer.origins) for answer in told] == [set(part) for part in wanted]
        assert max(map(len, slow.asked), default=0) <= size
        counts = Counter(key for batch in slow.asked for key in batch)
        assert counts == Counter({key for part in wanted for key in part})

    asyncio.run(asked_at_once())


STEPS = st.tuples(st.integers(0, 400), st.sets(st.integers(0, 40), max_size=10))


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEPS, max_size=40))
def test_nothing_is_used_past_its_age_or_asked_again_long_before(steps: Sequence[tuple[int, set[int]]]) -> None:
    async def over_time() -> None:
        clock = HandTurnedClock(datetime(2026, 1, 1, tzinfo=UTC))
        slow = SlowDirectory(FixedDirectory(None))
        directory = sparing(slow, clock)
        asked_at: dict[str, datetime] = {}
        for seconds, people in steps:
            now = clock.turn(timedelta(seconds=seconds))
            before = len(slow.asked)
            wanted = [f"{number:011}" for number in people]
            await directory.persons(wanted, use_stale=False)
            fresh = {key for batch in slow.asked[before:] for key in batch}
            ages = {key: now - asked_at[key] for key in wanted if key in asked_at}
            assert all(age < AGES.persons for key, age in ages.items() if key not in fresh)
            assert all(age > AGES.persons * 7 / 8 for key, age in ages.items() if key in fresh)
            asked_at |= dict.fromkeys(fresh, now)

    asyncio.run(over_time())
