"""Transactions that are tried again where trying again is known to be right."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from varsel.storage.outages import is_outage
from varsel.storage.pool import Connection, Pool

_log = logging.getLogger(__name__)

Outcome = TypeVar("Outcome")
Work = Callable[[Connection], Awaitable[Outcome]]

_CLASHES = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_TRIES = 5
_LONGEST_PAUSE = 5.0


async def in_transaction(pool: Pool, work: Work[Outcome]) -> Outcome:
    """Run `work` in one transaction, again where it clashed with another; `work` must bear repetition."""
    for _ in range(_TRIES - 1):
        try:
            return await _once(pool, work)
        except _CLASHES as clash:
            _log.info("transaction tried again after %s", type(clash).__name__)
    return await _once(pool, work)


async def persistently(pool: Pool, work: Work[Outcome]) -> Outcome:
    """Run `work` in one transaction and do not give up while the database is away.

    For facts that cannot be had again, such as what a provider answered. `work` must bear repetition, also after a
    commit whose success was never heard of.
    """
    pause = 0.1
    while True:
        try:
            return await in_transaction(pool, work)
        except Exception as outage:
            if not is_outage(outage):
                raise
            _log.warning("the database is away (%s); what is known is recorded when it is back", type(outage).__name__)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _once(pool: Pool, work: Work[Outcome]) -> Outcome:
    async with pool.acquire() as connection, connection.transaction():
        return await work(connection)
