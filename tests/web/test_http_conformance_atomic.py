"""6.3 POST future/orders, composed-email, instant: chain, orders, texts and notification are stored together or not at
all (api.md 3.9, step 6). A constraint that is really violated stops the statement in the middle of the transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.future_bodies import EMAIL
from tests.support.placing import (
    BODIES,
    CHAIN,
    CHAIN_PATH,
    COMPOSED_PATH,
    place,
    placed,
)
from tests.support.service import Service
from varsel.storage.pool import Pool

TABLES = ("chains", "orders", "order_parts", "notifications", "chunks", "feed_waiting", "feed")
SCHEDULED = ("orders", "order_parts")
INSTANT = (*SCHEDULED, "notifications", "chunks")
AFTER_THE_CHAIN = dict.fromkeys(BODIES, INSTANT) | {CHAIN_PATH: SCHEDULED, COMPOSED_PATH: SCHEDULED}
"""The tables that are written after the chain itself, by endpoint."""


@asynccontextmanager
async def refusing(pool: Pool, table: str, condition: str = "false") -> AsyncIterator[None]:
    """Let the table refuse new rows that do not fulfil the condition."""
    await pool.execute(f"ALTER TABLE {table} ADD CONSTRAINT refusing CHECK ({condition}) NOT VALID")
    yield
    await pool.execute(f"ALTER TABLE {table} DROP CONSTRAINT refusing")


async def stored(pool: Pool) -> dict[str, int]:
    """Count the rows of every table that an order is kept in."""
    return {table: await pool.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}


@pytest.mark.parametrize("path", BODIES)
async def test_a_statement_that_fails_leaves_nothing_behind(service: Service, path: str) -> None:
    """Not the id either: the same request is accepted afterwards, for the first time."""
    pool = service.rig.pool
    for table in AFTER_THE_CHAIN[path]:
        async with refusing(pool, table):
            answer = await place(service, path, BODIES[path])
        assert (answer.status_code, answer.content) == (500, b""), table
        assert await stored(pool) == dict.fromkeys(TABLES, 0), table
    assert await service.rig.kept() == []

    told = await placed(service, BODIES[path], path)

    assert (await service.status(told.main))["id"] == str(told.main)
    await service.rig.work()
    assert len(await service.rig.kept()) == 1


@pytest.mark.parametrize("table", SCHEDULED)
async def test_a_reminder_that_cannot_be_stored_takes_the_whole_chain_with_it(service: Service, table: str) -> None:
    body = CHAIN | {"reminders": [{"delayDays": day, "recipient": EMAIL} for day in (1, 2, 3)]}
    only_the_third = {"orders": "requested_send_time < '2026-06-18'", "order_parts": "texts::text NOT LIKE '%third%'"}
    body["reminders"][2]["recipient"] = {
        "recipientEmail": {"emailAddress": "kari@example.com", "emailSettings": {"subject": "third", "body": "third"}}
    }
    async with refusing(service.rig.pool, table, only_the_third[table]):
        assert (await place(service, CHAIN_PATH, body)).status_code == 500
        assert await stored(service.rig.pool) == dict.fromkeys(TABLES, 0)
    assert len((await placed(service, body)).reminders) == 3
