"""Chunks in the database: leased as one, by one holder at a time, and forgotten when nothing is left."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests.support.rig import LEASE, NOON
from varsel.model.ids import new_id, new_ids
from varsel.model.lanes import Lane
from varsel.storage import chunks
from varsel.storage.chunks import LeasedChunk, NewChunk
from varsel.storage.pool import Pool

SECOND = timedelta(seconds=1)
DEADLINE = NOON + timedelta(hours=48)


def chunk(size: int = 1, *, due: datetime = NOON, lane: Lane = Lane.Email, deadline: datetime = DEADLINE) -> NewChunk:
    """Make a chunk of so many notifications, which need not exist."""
    ids = new_ids(size)
    return NewChunk(new_id(), lane, ids[0], ids[-1], size, due, deadline)


async def store(pool: Pool, *stored: NewChunk) -> list[UUID]:
    async with pool.acquire() as connection:
        await chunks.insert_many(connection, stored)
    return [each.id for each in stored]


async def claim(
    pool: Pool, at: datetime = NOON, *, lane: Lane = Lane.Email, notifications: int = 500, window: int = 500
) -> list[LeasedChunk]:
    """Lease what is due at this instant."""
    return await chunks.claim(
        pool, lane, now=at, lease_until=at + LEASE, chunks=100, notifications=notifications, window=window
    )


async def rows(pool: Pool) -> dict[UUID, dict[str, object]]:
    """Read everything about all chunks."""
    return {row["id"]: dict(row) for row in await pool.fetch("SELECT * FROM chunks")}


# --- claimed


async def test_what_waited_longest_goes_first_until_a_bundle_is_full(pool: Pool) -> None:
    young, old, older = await store(pool, chunk(30), chunk(30, due=NOON - SECOND), chunk(30, due=NOON - 2 * SECOND))
    assert {held.id for held in await claim(pool, notifications=60)} == {old, older}
    assert {held.id for held in await claim(pool, notifications=60)} == {young}


async def test_a_chunk_larger_than_a_bundle_is_still_taken(pool: Pool) -> None:
    (large,) = await store(pool, chunk(500))
    assert [held.id for held in await claim(pool, notifications=10)] == [large]


async def test_each_lane_has_its_own_queue_and_its_time(pool: Pool) -> None:
    email, sms, later = await store(pool, chunk(), chunk(lane=Lane.SmsDaytime), chunk(due=NOON + SECOND))
    assert [held.id for held in await claim(pool)] == [email]
    assert [held.id for held in await claim(pool, lane=Lane.SmsDaytime)] == [sms]
    assert [held.id for held in await claim(pool, NOON + SECOND)] == [later]


async def test_many_claiming_at_once_never_share_a_chunk(pool: Pool) -> None:
    stored = await store(pool, *(chunk(20) for _ in range(300)))
    taken: Counter[UUID] = Counter()
    while sets := [held for held in await asyncio.gather(*(claim(pool, notifications=100) for _ in range(8))) if held]:
        taken.update(held.id for some in sets for held in some)
    assert taken == Counter(stored)


async def test_a_lease_that_ran_out_is_claimable_with_a_new_number(pool: Pool) -> None:
    await store(pool, chunk())
    (first,) = await claim(pool)
    assert await claim(pool, NOON + LEASE - SECOND) == []
    (second,) = await claim(pool, NOON + LEASE)
    assert (first.attempt, second.attempt) == (1, 2)


# --- intended


async def test_what_fits_into_the_first_window_is_intended_by_the_claim(pool: Pool) -> None:
    """Windows are cut in the order of ids, whatever waited longest."""
    first, second, third = chunk(40, due=NOON - SECOND), chunk(60), chunk(1, due=NOON - 2 * SECOND)
    await store(pool, first, second, third)

    held = {each.id: each for each in await claim(pool, window=100)}

    assert held[first.id].intended_through == first.last_id
    assert held[second.id].intended_through == second.last_id
    assert held[third.id].intended_through is None
    assert {each.doubtful_through for each in held.values()} == {None}


async def test_what_a_lost_lease_intended_is_in_doubt_for_the_next(pool: Pool) -> None:
    new = chunk(40)
    await store(pool, new)
    (held,) = await claim(pool, window=10)
    middle = new_id()
    assert await chunks.intend(pool, [(held, middle)], lease_until=NOON + LEASE) == {new.id}

    (again,) = await claim(pool, NOON + LEASE, window=10)

    assert (again.doubtful_through, again.intended_through) == (middle, middle)


async def test_intending_less_than_is_in_doubt_takes_no_doubt_away(pool: Pool) -> None:
    new = chunk(40)
    await store(pool, new)
    (held,) = await claim(pool, window=10)
    await chunks.intend(pool, [(held, new.last_id)], lease_until=NOON + LEASE)
    (again,) = await claim(pool, NOON + LEASE, window=10)

    await chunks.intend(pool, [(again, new.first_id)], lease_until=NOON + 2 * LEASE)

    (third,) = await claim(pool, NOON + 2 * LEASE, window=10)
    assert third.doubtful_through == new.last_id


async def test_intending_renews_the_lease(pool: Pool) -> None:
    new = chunk(40)
    await store(pool, new)
    (held,) = await claim(pool, window=10)
    await chunks.intend(pool, [(held, new.first_id)], lease_until=NOON + 3 * LEASE)
    assert await claim(pool, NOON + 3 * LEASE - SECOND) == []


# --- held by one


async def test_a_lost_lease_lets_its_holder_do_nothing_more(pool: Pool) -> None:
    new = chunk(40)
    await store(pool, new)
    (old,) = await claim(pool, window=10)
    (holder,) = await claim(pool, NOON + LEASE, window=10)
    before = await rows(pool)

    assert await chunks.intend(pool, [(old, new.last_id)], lease_until=DEADLINE) == set()
    await chunks.renew(pool, [old], lease_until=DEADLINE)
    await chunks.hand_back(pool, [old], due=NOON)
    await chunks.hand_over(pool, [(old, None)])
    await chunks.hand_over(pool, [(old, DEADLINE)])

    assert await rows(pool) == before
    assert await chunks.intend(pool, [(holder, new.last_id)], lease_until=DEADLINE) == {new.id}


async def test_who_gave_a_chunk_back_does_not_hold_it_any_more(pool: Pool) -> None:
    new = chunk(40)
    await store(pool, new)
    (held,) = await claim(pool)
    await chunks.hand_back(pool, [held], due=NOON + SECOND)
    before = await rows(pool)

    await chunks.renew(pool, [held], lease_until=DEADLINE)
    assert await chunks.intend(pool, [(held, new.last_id)], lease_until=DEADLINE) == set()

    assert await rows(pool) == before
    (again,) = await claim(pool, NOON + SECOND)
    assert again.doubtful_through is None


# --- handed over and decided


async def test_a_chunk_with_nothing_to_await_is_forgotten_others_wait_for_their_deadline(pool: Pool) -> None:
    done, waiting = await store(pool, chunk(), chunk())
    held = {each.id: each for each in await claim(pool)}
    deadline = NOON + timedelta(hours=1)

    await chunks.hand_over(pool, [(held[done], None), (held[waiting], deadline)])

    (left,) = (await rows(pool)).values()
    assert (left["id"], left["leased"], left["due"], left["deadline"]) == (waiting, False, None, deadline)
    assert await claim(pool, DEADLINE) == []


async def overdue(pool: Pool, at: datetime) -> set[UUID]:
    """Take the chunks whose deadline has passed."""
    async with pool.acquire() as connection:
        return set(await chunks.claim_overdue(connection, now=at, lease_until=at + LEASE, limit=10))


async def test_a_chunk_being_sent_is_not_decided_until_its_lease_is_over(pool: Pool) -> None:
    (only,) = await store(pool, chunk(deadline=NOON))
    await claim(pool)
    assert await overdue(pool, NOON + LEASE - SECOND) == set()
    assert await overdue(pool, NOON + LEASE) == {only}


@pytest.mark.parametrize("waiting", [True, False])
async def test_an_overdue_chunk_is_decided_by_one_whether_sent_or_not(pool: Pool, waiting: bool) -> None:
    (only,) = await store(pool, chunk(deadline=NOON))
    if not waiting:
        (held,) = await claim(pool)
        await chunks.hand_over(pool, [(held, NOON)])

    sets = await asyncio.gather(*(overdue(pool, NOON) for _ in range(5)))

    assert sorted(sets, key=len) == [set()] * 4 + [{only}]
    assert await overdue(pool, NOON + LEASE) == {only}  # who took it died: it comes back


async def test_a_rearmed_chunk_waits_again_and_a_removed_one_is_gone(pool: Pool) -> None:
    rearmed, removed = await store(pool, chunk(deadline=NOON), chunk(deadline=NOON))
    async with pool.acquire() as connection:
        await chunks.rearm(connection, [(rearmed, DEADLINE)])
        await chunks.remove(connection, [removed])
    assert await overdue(pool, DEADLINE - SECOND) == set()
    assert await overdue(pool, DEADLINE) == {rearmed}
