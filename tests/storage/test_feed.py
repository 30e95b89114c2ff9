"""The status feed: numbers in commit order, without gaps, whoever is slow (design.md 2.7, processing.md W13)."""

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.support.orders import emails, make_order, numbers
from tests.support.plans import nodes
from tests.support.rig import NOON, Rig
from varsel.contacts.fixed import FixedDirectory
from varsel.model.ids import new_id
from varsel.model.orders import NotificationChannel, OrderStatus, OrderType, Recipient
from varsel.model.results import Result
from varsel.storage import feed, queries
from varsel.storage.pool import Connection, Pool
from varsel.workers.number_feed import NumberFeed

_END = """
INSERT INTO feed_waiting (order_id, creator, type, status, last_update, recipients)
VALUES ($1, 'ttd', 0, 2, now(), '[]')
"""


@pytest.fixture
def rig(pool: Pool, tmp_path: Path) -> Rig:
    return Rig(pool, FixedDirectory(tmp_path / "directory.json"))


async def _end_an_order(connection: Connection | Pool) -> None:
    await connection.execute(_END, new_id())


async def test_an_ended_order_has_one_entry_with_frozen_content(rig: Rig, pool: Pool) -> None:
    order = make_order(emails("kari", "suppressed"), NOON, senders_reference="case-1")
    await rig.store(order)

    await rig.work()

    (entry,) = await feed.after(pool, "ttd", 0, limit=10)
    assert (entry.number, entry.order_id, entry.senders_reference) == (1, order.id, "case-1")
    assert (entry.type, entry.status) == (OrderType.Notification, OrderStatus.Completed)
    assert sorted((r.destination, r.result) for r in entry.recipients) == [
        ("kari@example.com", Result.EMAIL_DELIVERED),
        ("suppressed@example.com", Result.EMAIL_FAILED_SUPPRESSED_RECIPIENT),
    ]
    assert entry.recipients[0].last_update == round(NOON.timestamp() * 1_000_000)


async def test_emails_come_before_sms_and_reserved_destinations_are_empty(rig: Rig, pool: Pool) -> None:
    recipients = [*numbers("+4799999999"), *emails("kari")]
    await rig.store(make_order(recipients, NOON, channel=NotificationChannel.EmailPreferred))

    await rig.work()

    (entry,) = await feed.after(pool, "ttd", 0, limit=10)
    assert [r.destination for r in entry.recipients] == ["kari@example.com", "+4799999999"]


async def test_later_results_do_not_change_the_entry(rig: Rig, pool: Pool) -> None:
    await rig.store(make_order(emails("never-reported"), NOON))
    await rig.work()
    assert await feed.after(pool, "ttd", 0, limit=10) == []

    await rig.work(after=timedelta(hours=48, minutes=5))

    (entry,) = await feed.after(pool, "ttd", 0, limit=10)
    assert [r.result for r in entry.recipients] == [Result.EMAIL_FAILED_TTL]


async def test_a_slow_transaction_never_surfaces_behind_a_reader(pool: Pool) -> None:
    """The transaction began first and ends last: its entry gets the later number, and nobody misses it."""
    sequencer = NumberFeed(pool)
    async with pool.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await _end_an_order(slow)
        for _ in range(3):
            await _end_an_order(pool)
        await sequencer.run_once()
        seen = [entry.number for entry in await feed.after(pool, "ttd", 0, limit=10)]
        await transaction.commit()
    await sequencer.run_once()

    assert seen == [1, 2, 3]
    assert [entry.number for entry in await feed.after(pool, "ttd", 3, limit=10)] == [4]


async def test_a_polling_reader_sees_every_entry_once_with_many_writers_and_sequencers(pool: Pool) -> None:
    """Writers of different speeds, three sequencers, one reader that polls with its last number."""
    wanted, done = 120, asyncio.Event()

    async def write(count: int, held: int) -> None:
        for _ in range(count):
            async with pool.acquire() as connection, connection.transaction():
                await _end_an_order(connection)
                for _ in range(held):
                    await connection.execute("SELECT 1")

    async def number() -> None:
        sequencer = NumberFeed(pool)
        while not done.is_set():
            await sequencer.run_once()

    async def read() -> list[int]:
        seen: list[int] = []
        while len(seen) < wanted:
            page = await feed.after(pool, "ttd", seen[-1] if seen else 0, limit=7)
            seen.extend(entry.number for entry in page)
        done.set()
        return seen

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for held in (0, 3, 25):
            group.create_task(write(wanted // 3, held))
        for _ in range(3):
            group.create_task(number())
        reading = group.create_task(read())

    assert reading.result() == list(range(1, wanted + 1))


_END_A_LARGE_ORDER = """
INSERT INTO feed_waiting (order_id, creator, type, status, last_update, recipients)
SELECT $1, 'ttd', 0, 2, now(), json_agg(json_build_array(address, 53, n))
FROM generate_series(1, $2::integer) AS n,
     LATERAL (SELECT string_agg(md5(n::text || m), '') AS address FROM generate_series(1, 31) AS m) AS long
"""
"""Of some thousand bytes for each recipient, which hardly shrink when stored."""


async def test_a_set_ends_early_where_entries_are_large_and_none_is_left_behind(pool: Pool) -> None:
    """A backlog of orders with very many recipients must not take longer than a statement may."""
    sequencer = NumberFeed(pool)
    ended = [new_id() for _ in range(5)]
    for order_id, recipients in zip(ended, (1, 1_500, 1_500, 4_000, 1), strict=True):
        await pool.execute(_END_A_LARGE_ORDER, order_id, recipients)

    counts = list[int]()
    while await sequencer.run_once():
        counts.append(await pool.fetchval("SELECT count(*) FROM feed"))

    assert counts == [3, 4, 5]
    numbered = await pool.fetch("SELECT number, order_id FROM feed ORDER BY number")
    assert [(row["number"], row["order_id"]) for row in numbered] == list(enumerate(ended, start=1))


async def test_numbering_walks_the_index_however_long_the_backlog(pool: Pool) -> None:
    """The oldest are found where they lie: the whole backlog is neither read nor sorted."""
    backlog = "SELECT gen_random_uuid(), 'ttd', 0, 2, now(), '[]' FROM generate_series(1, 20000)"
    await pool.execute(f"INSERT INTO feed_waiting (order_id, creator, type, status, last_update, recipients) {backlog}")
    await pool.execute("ANALYZE feed_waiting")
    async with pool.acquire() as connection, connection.transaction():
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {queries.load('feed')['number'].text}"
        (plan,) = msgspec.json.decode(await connection.fetchval(explain, 1_000, 2_000_000))
    read = [node["Actual Rows"] for node in nodes(plan["Plan"]) if node.get("Relation Name") == "feed_waiting"]
    assert max(read) <= 1_001


async def test_descending_pages_start_from_the_newest(pool: Pool) -> None:
    for _ in range(5):
        await _end_an_order(pool)
    await NumberFeed(pool).run_once()

    assert [entry.number for entry in await feed.before(pool, "ttd", None, limit=2)] == [5, 4]
    assert [entry.number for entry in await feed.before(pool, "ttd", 4, limit=9)] == [3, 2, 1]
    assert await feed.after(pool, "skd", 0, limit=9) == []


async def test_the_log_has_one_row_per_notification_of_an_ended_order(rig: Rig, pool: Pool) -> None:
    order = make_order(emails("kari", "suppressed"), NOON, senders_reference="case-1", resource_id="urn:altinn:x")
    await rig.store(order)

    await rig.work()

    rows = await pool.fetch("SELECT * FROM notification_log ORDER BY destination")
    assert [row["destination"] for row in rows] == ["kari@example.com", "suppressed@example.com"]
    assert {(row["shipment_id"], row["creator"], row["senders_reference"], row["resource_id"]) for row in rows} == {
        (order.id, "ttd", "case-1", "urn:altinn:x")
    }


async def test_the_log_keeps_what_the_sandbox_calls_a_message(rig: Rig, pool: Pool) -> None:
    """The id of its notification; nothing where the sandbox was given nothing."""
    await rig.store(make_order([*emails("kari", "bounced"), Recipient(email_address=" ")], NOON))

    await rig.work()

    rows = await pool.fetch("SELECT * FROM notification_log ORDER BY destination")
    references = [(row["destination"], row["delivery_reference"]) for row in rows]
    ids = {row["destination"]: str(row["notification_id"]) for row in rows}
    assert references == [("", None)] + [(each, ids[each]) for each in ("bounced@example.com", "kari@example.com")]
