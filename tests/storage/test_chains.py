"""Chains in the database: stored whole once per idempotency id, also when the same is said at once or again."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import pytest

from tests.support.future_bodies import CHAIN, chain_from
from varsel.intake.wire_future import ChainRequest
from varsel.model.chains import Chain
from varsel.storage import chains, instants, orders
from varsel.storage.pool import Pool


def a_chain(idempotency_id: str = "case-1") -> Chain:
    """Return a chain of two orders, with ids of its own."""
    return chain_from(ChainRequest, CHAIN | {"idempotencyId": idempotency_id})


@dataclass
class Stored:
    """What the database holds."""

    chains: int
    orders: int
    parts: int


async def stored(pool: Pool) -> Stored:
    counts = [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in ("chains", "orders", "order_parts")]
    return Stored(*counts)


async def test_a_chain_is_stored_with_its_orders(pool: Pool) -> None:
    chain = a_chain()
    assert await chains.insert_many(pool, [chain]) == [None]
    assert await stored(pool) == Stored(1, 2, 2)
    for order in chain.orders:
        read = await orders.read(pool, order.id, "ttd")
        assert read is not None
        assert (read.type, read.texts) == (order.type, order.texts)


async def test_what_every_order_has_of_its_own_is_not_held_against_every_order(pool: Pool) -> None:
    """What is sent as alike must stay small: the statement goes through it for each order."""
    endpoints = [f"https://conditions.example.com/{number}" for number in range(300)]
    reminder = {"delayDays": 1, "recipient": CHAIN["recipient"]}
    reminders = [reminder | {"conditionEndpoint": endpoint} for endpoint in endpoints]
    chain = chain_from(ChainRequest, CHAIN | {"reminders": reminders})
    seen: list[asyncpg.connection.LoggedQuery] = []
    async with pool.acquire() as connection:
        connection.add_query_logger(seen.append)
        await chains.insert(connection, [chain])

    rows = await pool.fetch("SELECT condition_endpoint FROM orders WHERE type = 1 ORDER BY id")
    assert [row["condition_endpoint"] for row in rows] == endpoints
    (placed,) = [query for query in seen if "INSERT INTO chains" in query.query]
    alike = [column for column in placed.args if isinstance(column, tuple)]
    assert {len(column) for column in alike} == {2}  # one for the main order, one for all reminders


async def test_of_equal_ones_at_once_the_others_are_told_of_the_first(pool: Pool) -> None:
    batch = [a_chain("a"), a_chain("b"), a_chain("a"), a_chain("a")]
    first, other, *repeated = await chains.insert_many(pool, batch)
    assert (first, other) == (None, None)
    assert [known and known.placed.chain_id for known in repeated] == [batch[0].id, batch[0].id]
    assert await stored(pool) == Stored(2, 4, 4)


async def test_sets_that_meet_tell_each_other(pool: Pool) -> None:
    names = [f"case-{number}" for number in range(20)]
    sets = [[a_chain(name) for name in names] for _ in range(4)]
    outcomes = await asyncio.gather(*(chains.insert_many(pool, chosen) for chosen in sets))
    for place in range(len(names)):
        answers = [outcome[place] for outcome in outcomes]
        assert answers.count(None) == 1
        winner = sets[answers.index(None)][place].id
        assert {known.placed.chain_id for known in answers if known} == {winner}
    assert await stored(pool) == Stored(20, 40, 40)


async def test_a_set_whose_commit_was_in_doubt_may_be_stored_again(pool: Pool) -> None:
    batch = [a_chain("a"), a_chain("b")]
    assert await chains.insert_many(pool, batch) == [None, None]
    assert await chains.insert_many(pool, [*batch, a_chain("c")]) == [None, None, None]
    assert await stored(pool) == Stored(3, 6, 6)


async def test_an_id_whose_chain_is_removed_meanwhile_is_taken(pool: Pool) -> None:
    held, wanted = a_chain(), a_chain()
    await chains.insert_many(pool, [held])
    async with pool.acquire() as connection, connection.transaction():
        await instants.forget(connection, held)
        storing = asyncio.create_task(chains.insert_many(pool, [wanted]))
        await waits_for(pool, storing)
    assert await storing == [None]
    assert await found(pool, "case-1") == wanted.id


async def waits_for(pool: Pool, storing: "asyncio.Task[object]") -> None:
    """Return once a statement of another session waits for a lock, or the storing has ended without waiting."""
    while not storing.done():
        if await pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            return
        await asyncio.sleep(0)


async def found(pool: Pool, idempotency_id: str) -> UUID | None:
    chain = a_chain(idempotency_id)
    (known,) = await chains.find(pool, [(chain.creator, chain.family, idempotency_id)])
    return known.placed.chain_id if known else None


@pytest.mark.parametrize("spoilt", ["orders", "order_parts"])
async def test_a_chain_is_stored_whole_or_not_at_all(pool: Pool, spoilt: str) -> None:
    await pool.execute(f"ALTER TABLE {spoilt} ADD CONSTRAINT nothing_fits CHECK (false)")
    with pytest.raises(Exception, match="nothing_fits"):
        await chains.insert_many(pool, [a_chain()])
    assert await stored(pool) == Stored(0, 0, 0)
