"""A provider's rate, shared by all processes through one row."""

import asyncio
from datetime import timedelta

import asyncpg

from tests.support.rig import NOON
from varsel.mechanisms.pace import Slots
from varsel.model.clock import Clock, HandTurnedClock
from varsel.storage.pool import Pool, open_pool
from varsel.storage.rates import ProviderRate

RATE = 14.0
AHEAD, SLACK = timedelta(seconds=2), timedelta(milliseconds=200)


def rate_of(pool: Pool, clock: Clock, *, provider: str = "smtp") -> ProviderRate:
    """Make the rate as one process has it."""
    return ProviderRate(pool, clock, provider=provider, rate=RATE, ahead=AHEAD, slack=SLACK)


def times(slots: Slots) -> set[object]:
    return {slots.at(number) for number in range(slots.count)}


async def test_processes_share_one_rate_and_no_slot_is_given_twice(pool: Pool) -> None:
    clock = HandTurnedClock(NOON)
    processes = [rate_of(pool, clock) for _ in range(4)]
    given = list[Slots]()
    for _ in range(100):
        given += await asyncio.gather(*(process.reserve(5) for process in processes))
        clock.turn(timedelta(seconds=0.5))
    slots = [moment for each in given for moment in times(each)]
    assert len(slots) == len(set(slots))
    whole = RATE * (50 + AHEAD.total_seconds())
    assert 0.9 * whole <= len(slots) <= 1.1 * whole


async def test_one_process_needs_one_statement_for_each_window(database_url: str) -> None:
    statements = list[str]()

    def note(query: asyncpg.connection.LoggedQuery) -> None:
        statements.append(query.query)

    clock = HandTurnedClock(NOON)
    async with await open_pool(database_url, min_size=1, max_size=1) as pool:
        rate = rate_of(pool, clock)
        await rate.reserve(1)
        async with pool.acquire() as connection:
            connection.add_query_logger(note)
        for _ in range(10):
            clock.turn(timedelta(seconds=1))
            assert (await rate.reserve(14)).count == 14
    assert sum(statement.startswith("-- ") and "UPDATE" in statement for statement in statements) == 10
    assert len([statement for statement in statements if "provider_rates" in statement]) == 10


async def test_each_provider_has_a_rate_of_its_own(pool: Pool) -> None:
    clock = HandTurnedClock(NOON)
    assert (await rate_of(pool, clock).reserve(100)).count == 29
    assert (await rate_of(pool, clock).reserve(100)).count == 0
    assert (await rate_of(pool, clock, provider="link").reserve(100)).count == 29


async def test_a_process_whose_clock_was_wrong_for_a_while_blocks_nobody(pool: Pool) -> None:
    await rate_of(pool, HandTurnedClock(NOON + timedelta(hours=3))).reserve(10)
    assert (await rate_of(pool, HandTurnedClock(NOON)).reserve(10)).count == 10
