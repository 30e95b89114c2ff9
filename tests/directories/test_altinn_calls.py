"""Calls that are slow, broken or too many: time, size, retry, rest and turns of the JSON client."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.directories.asking import PROMPT, START, altinn_directory
from tests.directories.population import KARI, OLA, PERSONS, populate
from tests.support.altinn import Altinn
from tests.support.json_server import Reply
from varsel.contacts.altinn import CallOptions
from varsel.contacts.limits import Gate, Limits
from varsel.errors import DependencyFailure, QuestionRefused
from varsel.model.clock import HandTurnedClock


@pytest.fixture
async def server() -> AsyncIterator[Altinn]:
    async with Altinn() as altinn:
        populate(altinn)
        yield altinn


@pytest.mark.parametrize("first", [Altinn.DROP, Reply(502), Reply(503), Reply(504)])
async def test_passing_faults_are_tried_once_more(server: Altinn, first: Reply) -> None:
    directory = altinn_directory(server)
    server.script.append(first)
    assert await directory.persons([KARI], use_stale=False) == {KARI: PERSONS[KARI]}
    server.script.extend([first, first])
    with pytest.raises(DependencyFailure):
        await directory.persons([KARI], use_stale=False)
    assert len(server.calls) == 4
    await directory.close()


@pytest.mark.parametrize("status", [301, 401, 404, 429, 500, 501])
async def test_other_faults_are_not_tried_again(server: Altinn, status: int) -> None:
    directory = altinn_directory(server)
    server.script.append(Reply(status, headers={"Location": server.url("/profile/elsewhere")}))
    with pytest.raises(DependencyFailure, match=f"ProfileClient could not answer persons: it answered status {status}"):
        await directory.persons([KARI], use_stale=False)
    assert len(server.calls) == 1
    await directory.close()


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_refused_questions_are_told_from_a_directory_that_fails(server: Altinn, status: int) -> None:
    directory = altinn_directory(server, limits=Limits(failures=1))
    server.script.extend([Reply(status), Reply(status)])
    for _ in range(2):
        with pytest.raises(QuestionRefused):
            await directory.persons([KARI], use_stale=False)
    assert await directory.persons([KARI], use_stale=False) == {KARI: PERSONS[KARI]}
    await directory.close()


async def test_nobody_listening_is_a_failure() -> None:
    async with Altinn() as server:
        directory = altinn_directory(server)
    with pytest.raises(DependencyFailure, match=r"could not be reached \(ConnectError\)"):
        await directory.persons([KARI], use_stale=False)
    await directory.close()


async def test_an_answer_that_does_not_come_in_time_is_a_failure(server: Altinn) -> None:
    directory = altinn_directory(server, call=CallOptions(timeout=timedelta(milliseconds=30)))
    server.hold()
    with pytest.raises(DependencyFailure, match="took too long"):
        await directory.persons([KARI], use_stale=False)
    await directory.close()


async def test_an_answer_that_is_too_large_asks_for_a_smaller_question(server: Altinn) -> None:
    directory = altinn_directory(server, call=CallOptions(largest_answer=1000), limits=Limits(failures=1))
    server.script.append(Reply(body=b" " * 1001))
    with pytest.raises(QuestionRefused, match="larger than the limit"):
        await directory.persons([KARI, OLA], use_stale=False)
    assert await directory.persons([KARI], use_stale=False) == {KARI: PERSONS[KARI]}
    await directory.close()


async def test_a_failure_that_says_much_is_a_failure(server: Altinn) -> None:
    directory = altinn_directory(server, call=CallOptions(largest_answer=1000))
    server.script.append(Reply(500, b" " * 1001))
    with pytest.raises(DependencyFailure, match="status 500") as caught:
        await directory.persons([KARI], use_stale=False)
    assert not isinstance(caught.value, QuestionRefused)
    await directory.close()


async def test_connections_are_used_again(server: Altinn) -> None:
    directory = altinn_directory(server)
    for _ in range(3):
        await directory.persons([KARI], use_stale=False)
    assert server.connections == 1
    await directory.close()


async def test_only_so_many_calls_are_under_way(server: Altinn) -> None:
    directory = altinn_directory(server, limits=Limits(calls_at_once=2), per_call=1)
    server.hold()
    asking = asyncio.create_task(directory.persons([f"{number:011}" for number in range(6)], use_stale=False))
    await server.wait_for(lambda: server.in_flight == 2)
    server.release()
    assert await asking == {}
    assert (len(server.calls), server.most_in_flight) == (6, 2)
    await directory.close()


async def test_a_component_that_keeps_failing_is_left_alone(server: Altinn) -> None:
    clock = HandTurnedClock(START)
    directory = altinn_directory(server, clock, call=PROMPT, limits=Limits(failures=2, first_rest=timedelta(seconds=5)))
    server.script.extend([Reply(500)] * 2)
    for says in ("status 500", "status 500", "left alone"):
        with pytest.raises(DependencyFailure, match=says):
            await directory.persons([OLA], use_stale=False)
    assert len(server.calls) == 2
    clock.turn(timedelta(seconds=6))
    assert await directory.persons([OLA], use_stale=False) == {OLA: PERSONS[OLA]}
    await directory.close()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("wish", ["20", "Thu, 01 Jan 2026 00:00:20 GMT"])
async def test_a_component_that_is_busy_is_left_alone_as_long_as_it_wishes(
    server: Altinn, status: int, wish: str
) -> None:
    clock = HandTurnedClock(datetime(2026, 1, 1, tzinfo=UTC))
    directory = altinn_directory(server, clock, call=PROMPT)
    server.script.append(Reply(status, headers={"Retry-After": wish}))
    with pytest.raises(DependencyFailure, match=f"status {status}"):
        await directory.persons([OLA], use_stale=False)
    clock.turn(timedelta(seconds=19))
    with pytest.raises(DependencyFailure, match="left alone"):
        await directory.persons([OLA], use_stale=False)
    assert len(server.calls) == 1
    clock.turn(timedelta(seconds=2))
    assert await directory.persons([OLA], use_stale=False) == {OLA: PERSONS[OLA]}
    await directory.close()


async def test_no_wish_is_longer_than_the_longest_rest() -> None:
    clock = HandTurnedClock(START)
    through = gate(clock, longest_rest=timedelta(seconds=25))
    with pytest.raises(DependencyFailure):
        async with through.turn("a question"):
            raise DependencyFailure("somebody", "a question", "busy", "86400")
    clock.turn(timedelta(seconds=24))
    assert not await is_open(through)
    clock.turn(timedelta(seconds=2))
    assert await is_open(through)


def gate(clock: HandTurnedClock, **limits: object) -> Gate:
    usual: dict[str, object] = {"failures": 2, "first_rest": timedelta(seconds=10)}
    return Gate("somebody", clock, Limits(**(usual | limits)), chance=lambda: 0.5)  # type: ignore[arg-type]  # a test's mixture


async def call(through: Gate, *, failing: bool) -> None:
    async with through.turn("a question"):
        if failing:
            raise DependencyFailure("somebody", "a question", "broken")


async def is_open(through: Gate) -> bool:
    try:
        await call(through, failing=False)
    except DependencyFailure:
        return False
    return True


async def fail(through: Gate, reason: str = "broken") -> None:
    with pytest.raises(DependencyFailure, match=reason):
        await call(through, failing=True)


async def test_failures_count_only_in_a_row() -> None:
    through = gate(HandTurnedClock(START))
    await fail(through)
    assert await is_open(through)
    await fail(through)
    assert await is_open(through)


async def test_rests_grow_up_to_the_longest_and_end_with_an_answer() -> None:
    clock = HandTurnedClock(START)
    through = gate(clock, longest_rest=timedelta(seconds=25))
    await fail(through)
    for rest in (10, 20, 25, 25):
        await fail(through)
        clock.turn(timedelta(seconds=rest - 0.1))
        await fail(through, "left alone")
        clock.turn(timedelta(seconds=0.2))
    assert await is_open(through)
    await fail(through)
    assert await is_open(through)


async def test_calls_under_way_when_a_rest_begins_do_not_lengthen_it() -> None:
    clock = HandTurnedClock(START)
    through = gate(clock, failures=1)
    barrier = asyncio.Barrier(3)

    async def fail_together() -> None:
        async with through.turn("a question"):
            await barrier.wait()
            raise DependencyFailure("somebody", "a question", "broken")

    await asyncio.gather(*(fail_together() for _ in range(3)), return_exceptions=True)
    clock.turn(timedelta(seconds=11))
    assert await is_open(through)


async def test_after_a_rest_one_goes_first() -> None:
    clock = HandTurnedClock(START)
    through = gate(clock)
    await fail(through)
    await fail(through)
    clock.turn(timedelta(seconds=11))
    async with through.turn("a question"):
        assert not await is_open(through)
    assert await is_open(through)


async def refuse(through: Gate) -> QuestionRefused:
    with pytest.raises(QuestionRefused) as caught:
        async with through.turn("a question"):
            raise QuestionRefused("somebody", "a question", "it answered status 400")
    return caught.value


async def test_a_refusal_counts_for_nothing_unless_it_is_blamed() -> None:
    clock = HandTurnedClock(START)
    through = gate(clock)
    await fail(through)
    refusal = await refuse(through)
    refusal.blame()
    await fail(through, "left alone")
    clock.turn(timedelta(seconds=11))
    await refuse(through)
    await refuse(through)  # lets another one try
    assert await is_open(through)


async def test_one_who_gives_up_lets_another_go_first() -> None:
    clock = HandTurnedClock(START)
    through = gate(clock)
    await fail(through)
    await fail(through)
    clock.turn(timedelta(seconds=11))
    with pytest.raises(asyncio.CancelledError):
        async with through.turn("a question"):
            raise asyncio.CancelledError
    assert await is_open(through)
