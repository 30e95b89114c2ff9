"""Notifications in the database: listed as their owner may see them, settled once, counted right."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.lanes import expand
from tests.support.orders import emails, make_order, many, numbers
from tests.support.rig import LEASE, NOON
from tests.support.truths import assert_counters_are_true
from varsel.model.clock import HandTurnedClock
from varsel.model.ids import new_id
from varsel.model.lanes import Lane
from varsel.model.orders import NotificationChannel, OrderStatus, Recipient
from varsel.model.results import Channel, Result
from varsel.storage import chunks, notifications, orders
from varsel.storage.notifications import Named, Settlement, Step
from varsel.storage.pool import Pool

NEW, TAKEN, DELIVERED, BOUNCED, EXPIRED = (
    Result.EMAIL_NEW,
    Result.EMAIL_SUCCEEDED,
    Result.EMAIL_DELIVERED,
    Result.EMAIL_FAILED_BOUNCED,
    Result.EMAIL_FAILED_TTL,
)


async def generated(pool: Pool, *counts: int) -> list[UUID]:
    """Store orders with so many e-mails each, ready to be sent."""
    return await expand(pool, HandTurnedClock(NOON), [make_order(many(count), NOON) for count in counts])


async def ids_of(pool: Pool, order_id: UUID) -> list[UUID]:
    """Read the ids of an order's e-mails."""
    return [line.id for line in await notifications.of_order(pool, order_id, Channel.Email, limit=10_000)]


async def settle(pool: Pool, *settlements: Settlement) -> set[UUID]:
    """Settle in a transaction of its own, which is not tried again when it clashes."""
    async with pool.acquire() as connection, connection.transaction():
        return await notifications.settle(connection, settlements, now=NOON + timedelta(minutes=1))


def all_to(step: Step, ids: Iterable[UUID]) -> list[Settlement]:
    """Make the same step for many."""
    return [Settlement(notification_id, step) for notification_id in ids]


async def status_of(pool: Pool, order_id: UUID) -> OrderStatus:
    """Read an order's status."""
    (state,) = await orders.statuses(pool, [(order_id, "ttd")])
    assert state is not None
    return state.status


# --- settled


async def test_a_step_is_taken_once(pool: Pool) -> None:
    (order,) = await generated(pool, 3)
    ids = await ids_of(pool, order)
    steps = all_to(Step(NEW, DELIVERED, 1), ids)

    assert await settle(pool, *steps) == set(ids)
    assert await settle(pool, *steps) == set()

    assert await status_of(pool, order) is OrderStatus.Completed
    await assert_counters_are_true(pool)


async def test_only_rows_that_say_what_was_expected_change(pool: Pool) -> None:
    (order,) = await generated(pool, 2)
    first, second = await ids_of(pool, order)
    await settle(pool, Settlement(first, Step(NEW, BOUNCED, 1)))

    assert await settle(pool, *all_to(Step(NEW, DELIVERED, 1), [first, second])) == {second}

    listed = await notifications.of_order(pool, order, Channel.Email, limit=10)
    assert [line.result for line in listed] == [BOUNCED, DELIVERED]
    await assert_counters_are_true(pool)


async def test_steps_of_all_sorts_go_together(pool: Pool) -> None:
    one, other = await generated(pool, 4, 2)
    ids, others = await ids_of(pool, one), await ids_of(pool, other)
    settlements = [
        Settlement(ids[0], Step(NEW, TAKEN, 1), "reference-0"),
        Settlement(ids[1], Step(NEW, DELIVERED, 2, "250 OK")),
        Settlement(ids[2], Step(NEW, BOUNCED, 1, "550 no")),
        Settlement(ids[3], Step(NEW, NEW, 1, "450 busy")),
        *all_to(Step(NEW, DELIVERED, 1), others),
    ]

    changed = await settle(pool, *settlements)

    assert changed == {*ids, *others}
    rows = await pool.fetch("SELECT result, attempts, detail, reference FROM notifications ORDER BY id LIMIT 4")
    assert [tuple(row) for row in rows] == [
        (TAKEN, 1, None, "reference-0"),
        (DELIVERED, 2, "250 OK", None),
        (BOUNCED, 1, "550 no", None),
        (NEW, 1, "450 busy", None),
    ]
    assert await status_of(pool, one) is OrderStatus.Processed
    assert await status_of(pool, other) is OrderStatus.Completed
    await assert_counters_are_true(pool)


async def test_success_may_be_taken_back_and_given_again_without_uncompleting_an_order(pool: Pool) -> None:
    (order,) = await generated(pool, 1)
    (only,) = await ids_of(pool, order)
    for step, succeeded in (
        (Step(NEW, TAKEN, 1), 1),
        (Step(TAKEN, EXPIRED, 1), 0),
        (Step(EXPIRED, DELIVERED, 1), 1),
    ):
        assert await settle(pool, Settlement(only, step)) == {only}
        (state,) = await orders.statuses(pool, [(order, "ttd")])
        assert state is not None
        assert state.email_succeeded == succeeded
        await assert_counters_are_true(pool)
    assert await status_of(pool, order) is OrderStatus.Completed


async def test_what_is_known_better_is_not_made_less(pool: Pool) -> None:
    """A late record of an early attempt knows of fewer attempts, and of no reference."""
    (order,) = await generated(pool, 1)
    (only,) = await ids_of(pool, order)
    await settle(pool, Settlement(only, Step(NEW, NEW, 3, "third time"), "reference"))

    await settle(pool, Settlement(only, Step(NEW, DELIVERED, 1)))

    (row,) = await pool.fetch("SELECT attempts, detail, reference FROM notifications")
    assert tuple(row) == (3, "third time", "reference")


async def test_an_assumption_that_was_confirmed_no_longer_counts_as_one(pool: Pool) -> None:
    (order,) = await generated(pool, 1)
    (only,) = await ids_of(pool, order)
    await settle(pool, Settlement(only, Step(NEW, DELIVERED, 1, assumed=True)))
    await settle(pool, Settlement(only, Step(DELIVERED, DELIVERED, 1, was_assumed=True)))

    assert await settle(pool, Settlement(only, Step(DELIVERED, BOUNCED, 1, was_assumed=True))) == set()
    await assert_counters_are_true(pool)


async def test_settling_nothing_or_nobody_changes_nothing(pool: Pool) -> None:
    assert await settle(pool) == set()
    assert await settle(pool, Settlement(new_id(), Step(NEW, DELIVERED, 1))) == set()


async def settle_at_once(pool: Pool, sets: Sequence[Sequence[Settlement]]) -> int:
    """Settle all sets side by side, beginning together; return how many notifications changed."""
    barrier = asyncio.Barrier(len(sets))

    async def settle_one(settlements: Sequence[Settlement]) -> int:
        async with pool.acquire() as connection, connection.transaction():
            await barrier.wait()
            return len(await notifications.settle(connection, settlements, now=NOON))

    return sum(await asyncio.gather(*map(settle_one, sets)))


async def test_sets_that_cross_each_other_neither_deadlock_nor_miscount(pool: Pool) -> None:
    """Each set has results of two sorts in two orders, the other way round than its neighbour."""
    one, other = await generated(pool, 1_000, 1_000)
    ids, others = await ids_of(pool, one), await ids_of(pool, other)
    sets = []
    for start in range(0, 1_000, 125):
        mine, theirs = ids[start : start + 125], others[start : start + 125]
        good, bad = (mine, theirs) if start % 250 else (theirs, mine)
        sets.append([*all_to(Step(NEW, DELIVERED, 1), good), *all_to(Step(NEW, BOUNCED, 1), bad)])

    assert await settle_at_once(pool, sets) == 2_000

    assert {await status_of(pool, one), await status_of(pool, other)} == {OrderStatus.Completed}
    await assert_counters_are_true(pool)


async def test_sets_that_overlap_neither_deadlock_nor_count_twice(pool: Pool) -> None:
    """Reports and a late worker may settle the same notifications, each in the order in which it knows them."""
    (order,) = await generated(pool, 1_000)
    ids = await ids_of(pool, order)
    shuffled = [random.Random(seed).sample(ids, len(ids)) for seed in range(8)]

    assert await settle_at_once(pool, [all_to(Step(NEW, DELIVERED, 1), some) for some in shuffled]) == 1_000

    await assert_counters_are_true(pool)


# --- listed


async def test_lists_come_page_by_page_in_their_own_order(pool: Pool) -> None:
    (order,) = await generated(pool, 250)
    pages, after = [], UUID(int=0)
    while page := await notifications.of_order(pool, order, Channel.Email, after=after, limit=100):
        pages.append(len(page))
        after = page[-1].id
    assert pages == [100, 100, 50]
    listed = await notifications.of_order(pool, order, Channel.Email, limit=1_000)
    assert [line.address for line in listed] == [recipient.email_address for recipient in many(250)]


async def test_what_is_with_the_provider_right_now_is_shown_as_sending(pool: Pool) -> None:
    (order,) = await generated(pool, 4)
    ids = await ids_of(pool, order)
    (held,) = await chunks.claim(
        pool, Lane.Email, now=NOON, lease_until=NOON + LEASE, chunks=10, notifications=10, window=2
    )
    await chunks.intend(pool, [(held, ids[1])], lease_until=NOON + LEASE)
    await settle(pool, Settlement(ids[0], Step(NEW, DELIVERED, 1)))

    listed = await notifications.of_order(pool, order, Channel.Email, limit=10)

    assert [line.result for line in listed] == [DELIVERED, Result.EMAIL_SENDING, NEW, NEW]
    await chunks.hand_back(pool, [held], due=NOON)
    listed = await notifications.of_order(pool, order, Channel.Email, limit=10)
    assert [line.result for line in listed] == [DELIVERED, NEW, NEW, NEW]


@pytest.mark.parametrize("channel", Channel)
async def test_lists_are_of_one_channel(pool: Pool, channel: Channel) -> None:
    both = Recipient(email_address="kari@example.com", mobile_number="+4799999999")
    order = make_order([both], NOON, channel=NotificationChannel.EmailAndSms)
    await expand(pool, HandTurnedClock(NOON), [order])
    listed = await notifications.of_order(pool, order.id, channel, limit=10)
    assert [line.address for line in listed] == [both.email_address if channel is Channel.Email else both.mobile_number]


async def test_reports_find_notifications_by_id_and_by_reference(pool: Pool) -> None:
    (order,) = await generated(pool, 3)
    ids = await ids_of(pool, order)
    step = Step(NEW, TAKEN, 1, provider="one")
    await settle(pool, *(Settlement(each, step, f"reference {each}") for each in ids))
    named = [Named(Channel.Email, "one", f"reference {each}") for each in ids]

    async with pool.acquire() as connection:
        by_id = await notifications.by_ids(connection, ids[:2])
        by_name = await notifications.by_references(connection, named, most=10)

    assert [found.id for found in by_id] == ids[:2]
    assert {name: [found.id for found in them] for name, them in by_name.items()} == {
        name: [each] for name, each in zip(named, ids, strict=True)
    }


@pytest.mark.parametrize(
    ("asked", "finds"),
    [
        (Named(Channel.Email, "one", "same"), [2, 0]),
        (Named(Channel.Email, "two", "same"), [2, 1]),
        (Named(Channel.Email, None, "same"), [2, 1, 0]),
        (Named(Channel.Sms, "one", "same"), []),
        (Named(Channel.Email, "one", "other"), []),
    ],
)
async def test_a_reference_is_known_within_channel_and_provider_newest_first(
    pool: Pool, asked: Named, finds: list[int]
) -> None:
    (order,) = await generated(pool, 3)
    ids = await ids_of(pool, order)
    for each, provider in zip(ids, ["one", "two", None], strict=True):  # None: sent by code that did not store it yet
        await settle(pool, Settlement(each, Step(NEW, TAKEN, 1, provider=provider), "same"))

    async with pool.acquire() as connection:
        found = await notifications.by_references(connection, [asked], most=10)
        newest = await notifications.by_references(connection, [asked], most=1)

    assert [each.id for each in found.get(asked, ())] == [ids[place] for place in finds]
    assert [each.id for each in newest.get(asked, ())] == [ids[place] for place in finds[:1]]


async def test_chunks_give_what_is_left_to_send(pool: Pool) -> None:
    clock = HandTurnedClock(NOON)
    await expand(
        pool,
        clock,
        [
            make_order(emails("kari", "ola"), NOON),
            make_order(numbers("+4799999999"), NOON, channel=NotificationChannel.Sms),
        ],
    )
    (held,) = await chunks.claim(
        pool, Lane.Email, now=NOON, lease_until=NOON + LEASE, chunks=10, notifications=10, window=10
    )
    unsent = await notifications.of_chunks(pool, [held.id], Lane.Email)
    assert [row.address for row in unsent] == ["kari@example.com", "ola@example.com"]
    await settle(pool, Settlement(unsent[0].id, Step(NEW, DELIVERED, 1)))
    assert await notifications.of_chunks(pool, [held.id], Lane.Email) == unsent[1:]
