"""The SQL files: every statement fits the schema and has its use, and none of the frequent ones reads a table whole."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import asyncpg
import msgspec
import pytest

from tests.support.chains import chain_of
from tests.support.orders import emails, make_order, many
from tests.support.plans import nodes
from tests.support.rig import NOON, Rig
from varsel.contacts.fixed import FixedDirectory
from varsel.model.contacts import LeftAnswer
from varsel.model.ids import new_id
from varsel.model.orders import OrderStatus
from varsel.model.results import Channel, Result
from varsel.storage import chains, lookout, notifications, orders, queries, retention, shipments
from varsel.storage.directory_answers import DirectoryAnswers
from varsel.storage.pool import Pool, open_pool
from varsel.storage.reports import ArrivedReport

FOLDER = resources.files("varsel.storage")
NOUNS = sorted(file.name.removesuffix(".sql") for file in FOLDER.iterdir() if file.name.endswith(".sql"))


@pytest.mark.parametrize("noun", NOUNS)
async def test_every_statement_fits_the_schema(pool: Pool, noun: str) -> None:
    async with pool.acquire() as connection:
        for statement in queries.load(noun).values():
            await connection.prepare(statement.text)


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_uses_all_its_statements_and_no_others(noun: str) -> None:
    code = FOLDER.joinpath(f"{noun}.py").read_text(encoding="utf-8")
    written = set(queries.load(noun))
    assert {name for name in written if not any(re.fullmatch(text, name) for text in texts_in(code))} == set()
    assert set(re.findall(r'_SQL\["(\w+)"\]', code)) <= written


def texts_in(code: str) -> list[str]:
    """Return the words quoted in `code` as patterns, whose places to be filled in match any word."""
    return [re.sub(r"\{[^}]*\}", r"\\w+", text) for text in re.findall(r'"(\w+(?:\{[^}"]*\}\w*)?)"', code)]


# --- plans

BIG = {"orders", "order_parts", "notifications", "chunks", "delivery_reports", "chains", "directory_answers"}
"""Tables that grow with what passes through; a frequent statement must find its rows in them by an index."""

LIVE = {"orders_due", "chunks_due", "delivery_reports_due", "delivery_reports_waiting"}
"""Indexes that hold only rows somebody must still look at: those may be gone through."""

SCANS = {"Seq Scan", "Index Scan", "Index Only Scan"}

_FILL = """
INSERT INTO orders (id, creator, senders_reference, type, channel, status, created, requested_send_time,
                    requested_text, last_update, use_stale_contacts, part_count)
SELECT gen_random_uuid(), 'ttd', 'reference ' || n, 0, 0, 2, $1, $1, '', $1, false, 1
FROM generate_series(1, 5000) AS n;
INSERT INTO order_parts (order_id, part, texts, recipients) SELECT id, 0, '{}', '[]' FROM orders;
INSERT INTO notifications (id, order_id, channel, result, result_time, expiry, address, reference)
SELECT gen_random_uuid(), id, 0, 53, $1, $1, 'user@example.com', gen_random_uuid()::text
FROM orders, generate_series(1, 4);
INSERT INTO chunks (id, lane, first_id, last_id, size, deadline)
SELECT id, 0, id, id, 1, $1 + interval '2 days' FROM orders;
INSERT INTO delivery_reports (id, channel, reference, result, raw, received, outcome)
SELECT id, 0, id::text, 53, '{}', $1, 'applied' FROM orders;
INSERT INTO chains (id, creator, family, idempotency_key, idempotency_id, request_hash, created, shipments)
SELECT gen_random_uuid(), 'ttd', 0, decode(md5(id::text), 'hex'), id::text, '', $1, '[]' FROM orders;
INSERT INTO directory_answers (digest, asked_at, until, directory, answer)
SELECT sha256(id::text::bytea), $1, $1 + interval '15 minutes', 'altinn', '' FROM orders;
"""


@dataclass
class Seen:
    """Statements that were run, each with the arguments it last had."""

    arguments: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def note(self, query: asyncpg.connection.LoggedQuery) -> None:
        """Remember a statement; BEGIN, COMMIT and COPY have no plan."""
        if query.args:
            self.arguments[query.query] = query.args


@pytest.fixture
async def watched(database_url: str) -> AsyncIterator[tuple[Pool, Seen]]:
    """A pool of one connection, on a filled database, whose statements are noted."""
    seen = Seen()
    async with await open_pool(database_url, min_size=1, max_size=1) as pool:
        for statement in _FILL.split(";\n"):
            if statement.strip():
                await pool.execute(statement.replace("$1", f"'{NOON.isoformat()}'::timestamptz"))
        await pool.execute("ANALYZE")
        async with pool.acquire() as connection:
            connection.add_query_logger(seen.note)
        yield pool, seen


async def test_no_frequent_statement_reads_a_table_whole(watched: tuple[Pool, Seen]) -> None:
    pool, seen = watched
    await live_through_everything(Rig(pool, FixedDirectory(None)))
    noted = dict(seen.arguments)
    assert len(noted) > 25

    for statement, arguments in noted.items():
        plan = msgspec.json.decode(await pool.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *arguments))
        for node in nodes(plan[0]["Plan"]):
            if node.get("Relation Name") in BIG and node["Node Type"] in SCANS:
                assert "Index Cond" in node or node.get("Index Name") in LIVE, statement


async def live_through_everything(rig: Rig) -> None:
    """Run every statement that runs often: accepting, processing, sending, reports, deadlines, reading."""
    small = await rig.store(make_order(emails("kari", "transient", "never-reported"), NOON, senders_reference="mine"))
    await rig.store(make_order(emails("kari"), NOON, condition_endpoint="http://127.0.0.1:1/"))
    large = await rig.store(make_order(many(1_200), NOON))
    await rig.report(ArrivedReport(Channel.Email, "nobody's", None, Result.EMAIL_DELIVERED, "{}"))
    for turn in (timedelta(0), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=50)):
        await rig.work(after=turn)
    await lookout.look(rig.pool, now=NOON, look_ahead=timedelta(0))
    await rig.state(small)
    stored = await orders.read(rig.pool, large, "ttd")
    assert stored is not None
    async for _ in orders.later_recipients(rig.pool, stored):
        pass
    async for _ in orders.read_by_reference(rig.pool, "ttd", "mine"):
        pass
    await notifications.of_order(rig.pool, large, Channel.Email, limit=100)
    await orders.cancel(rig.pool, small, "ttd", now=NOON, closes_before=timedelta(minutes=5))
    await shipments.states(rig.pool, [(small, "ttd")], few=1_000)
    await chains.insert_many(rig.pool, [chain_of(make_order(emails("kari"), NOON), NOON)])
    answers = DirectoryAnswers(rig.pool)
    await answers.leave({b"digest": LeftAnswer("altinn", b"", NOON)}, until=NOON)
    await answers.look([b"digest"], since=NOON, now=NOON)
    await rig.work()
    await retention.remove_orders(rig.pool, ended_before=datetime.now(UTC) + timedelta(days=1))


MANY = 1_000
IDS = [new_id() for _ in range(MANY)]
ONES = [1] * MANY
HELD = {
    "advance": [IDS, ONES, ONES, ONES, ONES, ONES, 1, 5, 2, NOON, NOON],
    "renew": [IDS, ONES, NOON, 1],
    "postpone": [IDS, ONES, [NOON] * MANY, [""] * MANY, 1],
}
"""Statements about orders under lease, with the arguments of a full set."""


@pytest.mark.parametrize("name", HELD)
async def test_orders_under_lease_are_found_by_their_ids_whatever_statistics_say(
    watched: tuple[Pool, Seen], name: str
) -> None:
    """Gathered when no order was under lease, they promise that looking for the status alone finds next to nothing."""
    pool, _ = watched
    plan = await pool.fetchval(f"EXPLAIN (FORMAT JSON) {queries.load('orders')[name].text}", *HELD[name])
    read = [n for n in nodes(msgspec.json.decode(plan)[0]["Plan"]) if n.get("Relation Name") == "orders"]
    assert [node["Index Cond"] for node in read if node["Node Type"] in SCANS] in (
        ["(id = step.id)"],
        ["(id = held.id)"],
    )


async def test_entries_to_be_numbered_are_found_by_their_ids_whatever_statistics_say(pool: Pool) -> None:
    """Entries wait for a moment only, so that statistics nearly always speak of none."""
    await pool.execute("ANALYZE")
    plan = await pool.fetchval(f"EXPLAIN (FORMAT JSON) {queries.load('feed')['number'].text}", 2_000, 1_000_000)
    read = [n for n in nodes(msgspec.json.decode(plan)[0]["Plan"]) if n.get("Relation Name") == "feed_waiting"]
    assert [cond for node in read if (cond := node.get("Index Cond", "")).startswith("(order_id = ANY")]


async def test_answers_of_directories_are_found_by_their_digest_while_there_are_hardly_any(pool: Pool) -> None:
    """The plan of that time stays in use while the table grows; by any other index it would lead through all of it."""
    await pool.execute("ANALYZE")
    plan = await pool.fetchval(
        f"EXPLAIN (FORMAT JSON) {queries.load('directory_answers')['look'].text}", [b"digest"] * 1_000, NOON, NOON
    )
    read = [node.get("Index Name") for node in nodes(msgspec.json.decode(plan)[0]["Plan"]) if "Relation Name" in node]
    assert read == ["directory_answers_pkey"]


_CLAIM = [
    NOON,
    NOON + timedelta(minutes=1),
    OrderStatus.Processing,
    40,
    NOON,
    OrderStatus.Registered,
    16,
    ["hog"],
    [1],
    [3],
    orders.Queue.Conditional,
]


@pytest.mark.parametrize("analysed", ["nothing", "before", "after"])
async def test_a_claim_with_conditions_reads_little_whatever_the_backlog_is(pool: Pool, analysed: str) -> None:
    if analysed == "before":
        await pool.execute("ANALYZE")
    for hosts, creator in ((1, "hog"), (400, "ttd"), (1, "skd")):
        backlog = [f"https://{number % hosts}.example.com/" for number in range(2_000)]
        waiting = [make_order(emails("kari"), NOON, creator=creator, condition_endpoint=url) for url in backlog]
        await orders.insert_many(pool, waiting)
    if analysed == "after":
        await pool.execute("ANALYZE")

    claim = queries.load("orders")["claim_conditional"].text
    plan = msgspec.json.decode(await pool.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {claim}", *_CLAIM))
    scans = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "orders" and "Plans" not in node]
    assert {node["Index Name"] for node in scans} <= {
        "orders_due",  # whether there is anything
        "orders_by_creator_and_condition_host",
        "orders_pkey",
    }
    read = sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in scans)
    assert read < 2_000, "at most a few rows for each step of the walk"
