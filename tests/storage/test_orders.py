"""Orders in the database: stored whole, owned, claimed by one, cancelled or processed but never both."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
import pytest

from tests.support.orders import emails, make_order, many
from tests.support.rig import LEASE, NOON
from varsel.model.ids import new_id
from varsel.model.orders import NotificationChannel, Order, OrderStatus, SendingTimePolicy
from varsel.storage import orders
from varsel.storage.orders import Advance, Cancellation, ClaimedOrder, Delay, Queue
from varsel.storage.pool import Pool

SECOND = timedelta(seconds=1)
NEVER_CLOSES = timedelta(0)


async def claim(
    pool: Pool, *, at: timedelta = timedelta(0), look_ahead: timedelta = timedelta(0), queue: Queue = Queue.Small
) -> list[ClaimedOrder]:
    """Claim what is due so long after noon."""
    return await orders.claim_due(pool, queue, now=NOON + at, lease=LEASE, look_ahead=look_ahead, limit=100)


async def store(pool: Pool, *stored: Order) -> list[UUID]:
    await orders.insert_many(pool, stored)
    return [order.id for order in stored]


def advance_of(order: ClaimedOrder, *, emails: int = 1, pending: int = 1) -> Advance:
    """Make the step that ends an order of one part."""
    return Advance(order.id, order.attempt, 1, emails, 0, pending)


async def advance(pool: Pool, *steps: Advance) -> set[UUID]:
    """Move orders on, in a transaction, and return those that were held."""
    async with pool.acquire() as connection, connection.transaction():
        return set(await orders.advance(connection, steps, now=NOON, lease=LEASE))


# --- stored


async def test_an_order_is_read_as_it_was_written(pool: Pool) -> None:
    order = make_order(
        emails("kari", "ola"),
        NOON,
        senders_reference="mine",
        channel=NotificationChannel.EmailPreferred,
        condition_endpoint="https://example.no/condition",
        ignore_reservation=True,
        resource_id="urn:altinn:resource:my-resource",
        resource_action="write",
        sending_time_policy=SendingTimePolicy.Anytime,
        requested_send_time_text="2026-06-15T12:00:00.1234567+02:00",
    )
    await store(pool, order)

    stored = await orders.read(pool, order.id, "ttd")

    assert stored is not None
    assert [recipient.email_address for recipient in stored.recipients] == ["kari@example.com", "ola@example.com"]
    for member in ("senders_reference", "channel", "condition_endpoint", "ignore_reservation", "resource_id",
                   "resource_action", "requested_send_time_text", "texts", "type", "created"):  # fmt: skip
        assert getattr(stored, member) == getattr(order, member), member
    assert (stored.status, stored.part_count) == (OrderStatus.Registered, 1)


async def test_storing_the_same_orders_again_changes_nothing(pool: Pool) -> None:
    """A batch whose commit was in doubt is sent again, perhaps when its orders have long moved on."""
    first, second = make_order(emails("kari"), NOON), make_order(emails("ola"), NOON)
    await store(pool, first)
    (claimed,) = await claim(pool)
    await advance(pool, advance_of(claimed))

    await store(pool, first, second)

    states = await orders.statuses(pool, [(first.id, "ttd"), (second.id, "ttd")])
    assert [state and state.status for state in states] == [OrderStatus.Processed, OrderStatus.Registered]
    assert await pool.fetchval("SELECT count(*) FROM order_parts") == 2


async def test_a_large_order_is_stored_whole_or_not_at_all(pool: Pool) -> None:
    order = make_order(many(1_100), NOON)
    broken = msgspec.structs.replace(order, id=new_id(), recipients=(*order.recipients[:2], b"[half a recipient"))

    await orders.insert_large(pool, order)
    with pytest.raises(asyncpg.InvalidTextRepresentationError):
        await orders.insert_large(pool, broken)

    assert await orders.read(pool, broken.id, "ttd") is None
    stored = await orders.read(pool, order.id, "ttd")
    assert stored is not None
    later = [recipient async for part in orders.later_recipients(pool, stored) for recipient in part]
    assert [recipient.email_address for recipient in (*stored.recipients, *later)] == [
        recipient.email_address for recipient in many(1_100)
    ]


async def test_orders_of_a_reference_come_oldest_first_and_all_of_them(pool: Pool) -> None:
    stored = [make_order(emails("kari"), NOON, senders_reference="mine") for _ in range(450)]
    await store(pool, *stored, make_order(emails("kari"), NOON, senders_reference="Mine"))
    found = [order.id async for order in orders.read_by_reference(pool, "ttd", "mine")]
    assert found == [order.id for order in stored]


async def test_another_creator_sees_nothing(pool: Pool) -> None:
    order = make_order(emails("kari"), NOON, senders_reference="mine", send_at=NOON + timedelta(hours=1))
    await store(pool, order)

    assert await orders.statuses(pool, [(order.id, "other"), (order.id, "ttd"), (new_id(), "ttd")]) == [
        None,
        *await orders.statuses(pool, [(order.id, "ttd")]),
        None,
    ]
    assert await orders.read(pool, order.id, "other") is None
    assert [found async for found in orders.read_by_reference(pool, "other", "mine")] == []
    foreign = await orders.cancel(pool, order.id, "other", now=NOON, closes_before=NEVER_CLOSES)
    assert foreign is Cancellation.NotFound
    (state,) = await orders.statuses(pool, [(order.id, "ttd")])
    assert state is not None
    assert state.status is OrderStatus.Registered


# --- claimed


async def test_due_orders_are_claimed_oldest_first_and_once(pool: Pool) -> None:
    hours = (3, 1, 2)
    stored = await store(
        pool, *(make_order(emails("kari"), NOON, send_at=NOON - timedelta(hours=hour)) for hour in hours)
    )
    await store(pool, make_order(emails("early"), NOON, send_at=NOON + SECOND))

    claimed = await claim(pool)

    assert {order.id for order in claimed} == set(stored)
    assert await claim(pool) == []


async def test_many_claiming_at_once_never_share_an_order(pool: Pool) -> None:
    stored = await store(pool, *(make_order(emails("kari"), NOON) for _ in range(200)))

    async def some() -> list[ClaimedOrder]:
        return await orders.claim_due(pool, Queue.Small, now=NOON, lease=LEASE, look_ahead=timedelta(0), limit=7)

    claimed: list[UUID] = []
    while sets := [found for found in await asyncio.gather(*(some() for _ in range(8))) if found]:
        assert all(len(found) <= 7 for found in sets)
        claimed += [order.id for found in sets for order in found]

    assert len(claimed) == len(set(claimed))
    assert set(claimed) == set(stored)


async def test_looking_ahead_takes_orders_early_but_ends_no_lease(pool: Pool) -> None:
    await store(pool, make_order(emails("kari"), NOON, send_at=NOON + timedelta(minutes=1)))
    look_ahead = timedelta(minutes=5)

    assert len(await claim(pool, look_ahead=look_ahead)) == 1

    assert await claim(pool, look_ahead=look_ahead) == []
    assert await claim(pool, at=LEASE - SECOND, look_ahead=look_ahead) == []
    assert len(await claim(pool, at=LEASE, look_ahead=look_ahead)) == 1


def asking(host: str, *, at: timedelta = timedelta(0), creator: str = "ttd") -> Order:
    """Make an order due so long after noon whose send condition is asked at `host`."""
    endpoint = f"https://{host}/check?case=1"
    return make_order(emails("kari"), NOON, send_at=NOON + at, condition_endpoint=endpoint, creator=creator)


async def claim_asking(
    pool: Pool,
    under_way: Mapping[str, int] | None = None,
    *,
    limit: int = 200,
    at_host: int = 100,
    at: timedelta = timedelta(0),
) -> list[ClaimedOrder]:
    """Claim orders with a send condition; `under_way` counts those of `ttd` at `<name>.example.com`."""
    return await orders.claim_conditional(
        pool,
        now=NOON + at,
        lease=LEASE,
        look_ahead=timedelta(0),
        limit=limit,
        at_host=at_host,
        under_way={
            ("ttd", await number_of(pool, f"https://{name}.example.com/")): n for name, n in (under_way or {}).items()
        },
    )


async def number_of(pool: Pool, endpoint: str) -> int:
    """Ask the database what stands for an endpoint's host."""
    number: int = await pool.fetchval("SELECT condition_host($1)", endpoint)
    return number


def by_hosts(claimed: list[ClaimedOrder]) -> Counter[str]:
    return Counter((order.condition_endpoint or "").split("/")[2] for order in claimed)


async def test_a_claim_passes_by_the_backlog_of_a_host(pool: Pool) -> None:
    minute = timedelta(minutes=1)
    await store(pool, *(asking("slow.example.com", at=-minute) for _ in range(500)))
    (quick,) = await store(pool, asking("quick.example.com"))

    claimed = await claim_asking(pool, limit=6, at_host=4)
    assert by_hosts(claimed) == {"slow.example.com": 4, "quick.example.com": 1}
    assert quick in {order.id for order in claimed}

    assert by_hosts(await claim_asking(pool, {"slow": 3}, at_host=4)) == {"slow.example.com": 1}
    assert await claim_asking(pool, {"slow": 4}, at_host=4) == []
    assert await claim_asking(pool, {"slow": 9}, at_host=4) == []


async def test_who_has_least_under_way_is_claimed_first_then_the_oldest(pool: Pool) -> None:
    for host, hour in (("a", 3), ("b", 2), ("c", 1)):
        await store(pool, *(asking(f"{host}.example.com", at=-timedelta(hours=hour)) for _ in range(3)))
    assert by_hosts(await claim_asking(pool, {"a": 1, "b": 1}, limit=1)) == {"c.example.com": 1}
    assert by_hosts(await claim_asking(pool, {"a": 2}, limit=4)) == {"b.example.com": 2, "c.example.com": 1}


def by_creators(claimed: list[ClaimedOrder]) -> Counter[str]:
    return Counter(order.creator for order in claimed)


async def test_a_creator_alone_gets_three_quarters_of_the_places(pool: Pool) -> None:
    await store(pool, *(asking(f"{number % 40}.example.com") for number in range(300)))
    first = await claim_asking(pool, limit=200)
    assert len(first) == 150
    held = {f"{number}": 0 for number in range(40)} | {"0": 150}
    assert await claim_asking(pool, held, limit=50) == []


async def test_creators_get_equal_shares_however_unequal_their_backlogs_are(pool: Pool) -> None:
    hour = timedelta(hours=1)
    await store(pool, *(asking(f"{number % 40}.slow.example.com", at=-hour, creator="hog") for number in range(400)))
    await store(pool, *(asking("one.example.com", creator="ttd") for _ in range(100)))
    await store(pool, *(asking("one.example.com", creator="skd") for _ in range(3)))
    claimed = by_creators(await claim_asking(pool, limit=70))
    assert claimed["skd"] == 3
    assert abs(claimed["hog"] - claimed["ttd"]) <= 1
    assert claimed["hog"] == 29, "a creator has fewer than three times the places that stay free"


async def test_another_creator_is_claimed_beside_one_that_has_its_share(pool: Pool) -> None:
    await store(pool, *(asking(f"{number % 40}.example.com", at=-SECOND) for number in range(400)))
    (other,) = await store(pool, asking("0.example.com", creator="skd"))
    held = {f"{number}": 4 for number in range(1, 38)} | {"0": 2}
    assert [order.id for order in await claim_asking(pool, held, limit=50)] == [other]


async def test_at_one_host_creators_take_turns(pool: Pool) -> None:
    await store(pool, *(asking("apps.example.com", at=-SECOND, creator="hog") for _ in range(50)))
    await store(pool, *(asking("apps.example.com", creator="skd") for _ in range(50)))
    assert by_creators(await claim_asking(pool, at_host=16)) == {"hog": 8, "skd": 8}


async def test_no_number_of_creators_or_hosts_hides_the_others_for_long(pool: Pool) -> None:
    await store(pool, *(asking(f"{number}.example.com", creator="hog") for number in range(700)))
    await store(pool, *(asking("one.example.com", creator=f"creator-{number}") for number in range(200)))
    (wanted,) = await store(pool, asking("two.example.com", creator="skd"))
    for _ in range(200):
        if wanted in {order.id for order in await claim_asking(pool, limit=40)}:
            return
    raise AssertionError("200 claims passed by it")


async def test_of_each_host_the_oldest_due_are_claimed_and_lost_leases_again(pool: Pool) -> None:
    late, early, middle = await store(pool, *(asking("a.example.com", at=at * SECOND) for at in (3, 1, 2)))
    assert await claim_asking(pool) == []
    assert [order.id for order in await claim_asking(pool, at=3 * SECOND, at_host=1)] == [early]
    assert {order.id for order in await claim_asking(pool, at=3 * SECOND)} == {late, middle}
    assert await claim_asking(pool, at=LEASE) == []
    again = await claim_asking(pool, at=LEASE + 3 * SECOND)
    assert {(order.id, order.attempt) for order in again} == {(late, 2), (early, 2), (middle, 2)}


async def test_many_claiming_with_conditions_at_once_never_share_an_order(pool: Pool) -> None:
    stored = await store(pool, *(asking(f"{number % 3}.example.com") for number in range(200)))
    claimed: list[UUID] = []
    while sets := [found for found in await asyncio.gather(*(claim_asking(pool, limit=7) for _ in range(8))) if found]:
        assert all(len(found) <= 7 for found in sets)
        claimed += [order.id for found in sets for order in found]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) == set(stored)


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://Condition.Example.COM:8443/check", "condition.example.com"),
        ("http://condition.example.com?case=1", "condition.example.com"),
        ("http://condition.example.com#part", "condition.example.com"),
        ("http://[2001:DB8::1]:80/", "[2001:db8::1]"),
        ("http:///nowhere", ""),
        ("nonsense", ""),
    ],
)
async def test_orders_are_told_apart_by_the_hosts_of_their_endpoints(pool: Pool, endpoint: str, host: str) -> None:
    await store(pool, make_order(emails("kari"), NOON, condition_endpoint=endpoint))
    (claimed,) = await claim_asking(pool)
    assert claimed.condition_host == await number_of(pool, f"https://{host}/")


async def test_no_number_of_hosts_makes_a_claim_long_and_all_have_their_chance(pool: Pool) -> None:
    stored = set(await store(pool, *(asking(f"{number}.example.com") for number in range(700))))
    while stored:
        claimed = {order.id for order in await claim_asking(pool, limit=1000)}
        assert len(claimed) <= 512
        assert claimed <= stored
        stored -= claimed


async def test_orders_wait_in_the_queue_of_their_kind(pool: Pool) -> None:
    small, asking = (
        make_order(emails("kari"), NOON),
        make_order(emails("kari"), NOON, condition_endpoint="https://example.no/condition"),
    )
    large = make_order(many(501), NOON)
    await store(pool, small, asking)
    await orders.insert_large(pool, large)
    claimed = {queue: [order.id for order in await claim(pool, queue=queue)] for queue in Queue}
    assert claimed == {Queue.Small: [small.id], Queue.Large: [large.id], Queue.Conditional: [asking.id]}


async def test_a_lost_lease_lets_its_holder_do_nothing_more(pool: Pool) -> None:
    (order_id,) = await store(pool, make_order(emails("kari"), NOON))
    (old,) = await claim(pool)
    (new,) = await claim(pool, at=LEASE)
    before = await row_of(pool, order_id)

    assert await advance(pool, advance_of(old)) == set()
    await orders.renew(pool, [old], lease_until=NOON + timedelta(days=1))
    await orders.postpone(pool, [Delay(old, NOON + timedelta(days=1), "not mine to tell")])
    async with pool.acquire() as connection:
        assert not await orders.stop(connection, old, now=NOON)

    assert await row_of(pool, order_id) == before
    assert await advance(pool, advance_of(new)) == {order_id}


async def row_of(pool: Pool, order_id: UUID) -> dict[str, object]:
    """Read everything about an order."""
    (row,) = await pool.fetch("SELECT * FROM orders WHERE id = $1", order_id)
    return dict(row)


async def test_who_put_an_order_off_does_not_hold_it_any_more(pool: Pool) -> None:
    (order_id,) = await store(pool, make_order(emails("kari"), NOON))
    (held,) = await claim(pool)
    await orders.postpone(pool, [Delay(held, NOON + timedelta(hours=1), "the directory is away")])

    await orders.renew(pool, [held], lease_until=NOON + LEASE)

    assert (await row_of(pool, order_id))["due"] == NOON + timedelta(hours=1)
    assert await advance(pool, advance_of(held)) == set()
    (again,) = await claim(pool, at=timedelta(hours=1))
    assert again.failures == 1


async def test_orders_are_put_off_together_each_with_its_own_time_and_reason(pool: Pool) -> None:
    stored = await store(pool, *(make_order(emails(name), NOON) for name in ("kari", "ola")))
    kari, ola = sorted(await claim(pool), key=lambda order: stored.index(order.id))
    hour = timedelta(hours=1)
    await orders.postpone(pool, [Delay(ola, NOON + 2 * hour, "it is slow"), Delay(kari, NOON + hour, "it is away")])

    put_off = [await row_of(pool, order_id) for order_id in stored]

    assert [(row["due"], row["trouble"]) for row in put_off] == [
        (NOON + hour, "it is away"),
        (NOON + 2 * hour, "it is slow"),
    ]


@pytest.mark.parametrize(("pending", "status"), [(1, OrderStatus.Processed), (0, OrderStatus.Completed)])
async def test_the_last_part_ends_the_processing(pool: Pool, pending: int, status: OrderStatus) -> None:
    order = make_order(many(501), NOON)
    await orders.insert_large(pool, order)
    (claimed,) = await claim(pool, queue=Queue.Large)

    await advance(pool, Advance(order.id, claimed.attempt, 1, 500, 0, 0))
    (half,) = await orders.statuses(pool, [(order.id, "ttd")])
    await advance(pool, Advance(order.id, claimed.attempt, 2, 1, 0, pending))

    (done,) = await orders.statuses(pool, [(order.id, "ttd")])
    assert half is not None
    assert done is not None
    assert (half.status, half.email_generated) == (OrderStatus.Processing, 500)
    assert (done.status, done.email_generated) == (status, 501)
    assert (await row_of(pool, order.id))["due"] is None


async def test_parts_are_read_from_where_the_expansion_stands(pool: Pool) -> None:
    order = make_order(many(1_600), NOON, channel=NotificationChannel.EmailPreferred, superseded=frozenset({3, 1_501}))
    await orders.insert_large(pool, order)
    (claimed,) = await claim(pool, queue=Queue.Large)

    parts = await orders.next_parts(pool, [claimed], at_most=2)
    rest = await orders.next_parts(pool, [replace(claimed, parts_done=2)], at_most=5)

    assert [part.part for part in (*parts, *rest)] == [0, 1, 2, 3]
    assert [len(part.recipients) for part in (*parts, *rest)] == [500, 500, 500, 100]
    assert [part.superseded for part in (*parts, *rest)] == [{3}, frozenset(), frozenset(), {1_501}]
    assert all(part.texts == order.texts for part in (*parts, *rest))


# --- cancelled


@pytest.mark.parametrize(
    ("before_due", "expected"),
    [(timedelta(minutes=5), Cancellation.Refused), (timedelta(minutes=5, microseconds=1), Cancellation.Done)],
)
async def test_cancelling_closes_before_the_send_time(
    pool: Pool, before_due: timedelta, expected: Cancellation
) -> None:
    (order_id,) = await store(pool, make_order(emails("kari"), NOON, send_at=NOON + before_due))
    assert await orders.cancel(pool, order_id, "ttd", now=NOON, closes_before=timedelta(minutes=5)) is expected


async def test_cancelling_again_is_answered_as_the_first_time_and_changes_nothing(pool: Pool) -> None:
    (order_id,) = await store(pool, make_order(emails("kari"), NOON, send_at=NOON + timedelta(hours=1)))
    for at in (NOON, NOON + timedelta(minutes=1)):
        done = await orders.cancel(pool, order_id, "ttd", now=at, closes_before=NEVER_CLOSES)
        assert done is Cancellation.Done
    assert (await row_of(pool, order_id))["last_update"] == NOON
    assert await claim(pool, at=timedelta(hours=2)) == []


async def test_of_cancelling_and_claiming_exactly_one_wins(pool: Pool) -> None:
    """The guard band of minutes is taken away, so that both are allowed at the same instant, many times over."""
    stored = await store(pool, *(make_order(emails("kari"), NOON, send_at=NOON + SECOND) for _ in range(150)))

    async def claim_some() -> list[UUID]:
        look_ahead = timedelta(minutes=1)
        found = await orders.claim_due(pool, Queue.Small, now=NOON, lease=LEASE, look_ahead=look_ahead, limit=3)
        return [order.id for order in found]

    async def claim_all() -> set[UUID]:
        claimed: set[UUID] = set()
        for _ in range(100):
            claimed.update(await claim_some())
        return claimed

    async def cancel_all() -> dict[UUID, Cancellation]:
        return {
            order_id: await orders.cancel(pool, order_id, "ttd", now=NOON, closes_before=NEVER_CLOSES)
            for order_id in reversed(stored)
        }

    claimed, answers = await asyncio.gather(claim_all(), cancel_all())

    cancelled = {order_id for order_id, answer in answers.items() if answer is Cancellation.Done}
    refused = {order_id for order_id, answer in answers.items() if answer is Cancellation.Refused}
    assert (cancelled | claimed, cancelled & claimed) == (set(stored), set())
    assert refused == claimed
    assert cancelled
    assert claimed
    rows = await pool.fetch("SELECT id, status FROM orders")
    assert {row["id"] for row in rows if row["status"] == OrderStatus.Cancelled} == cancelled
    assert {row["id"] for row in rows if row["status"] == OrderStatus.Processing} == claimed
