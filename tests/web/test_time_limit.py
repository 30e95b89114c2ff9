"""One limit for many tasks: who takes too long is stopped, and nobody else."""

import asyncio
from datetime import timedelta

import pytest

from varsel.intake.time_limit import TimeLimit

AT_ONCE = timedelta(milliseconds=1)
NEVER = timedelta(hours=1)


async def wait_for_ever(limit: TimeLimit) -> None:
    with limit.kept():
        await asyncio.Event().wait()


async def test_whoever_takes_too_long_is_told_so() -> None:
    with pytest.raises(TimeoutError):
        await wait_for_ever(TimeLimit(AT_ONCE))


async def test_all_who_take_too_long_are_stopped_by_one_timer() -> None:
    limit = TimeLimit(timedelta(milliseconds=10))
    outcomes = await asyncio.gather(*(wait_for_ever(limit) for _ in range(20)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TimeoutError}


async def test_whoever_is_done_in_time_is_left_alone() -> None:
    limit = TimeLimit(AT_ONCE)
    with limit.kept():
        pass
    overdue = asyncio.create_task(wait_for_ever(limit))
    with pytest.raises(TimeoutError):
        await overdue
    await asyncio.sleep(0)  # a cancellation that hits the wrong task would arrive here


async def test_a_task_may_enter_again_and_again() -> None:
    limit = TimeLimit(AT_ONCE)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await wait_for_ever(limit)
    with limit.kept():
        pass


async def test_who_is_cancelled_by_others_stays_cancelled() -> None:
    task = asyncio.create_task(wait_for_ever(TimeLimit(NEVER)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_errors_pass_unchanged() -> None:
    with pytest.raises(LookupError), TimeLimit(NEVER).kept():
        raise LookupError
