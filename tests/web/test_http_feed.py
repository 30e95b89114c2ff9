"""The status feed: GET `/future/shipment/feed` (api.md 3.14, processing.md 7.3; checklist 6.3, GET feed)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.future_bodies import EMAIL
from tests.support.orders import emails, make_order
from tests.support.placing import (
    CHAIN,
    COMPOSED,
    COMPOSED_PATH,
    INSTANT_EMAIL_PATH,
    feed,
    instant_email,
    placed,
    shipment,
    to_email,
)
from tests.support.rig import NOON, Rig
from tests.support.service import EMAIL_ORDER, Service, holds_null, running_service
from varsel.contacts.fixed import FixedDirectory
from varsel.intake.times import write_time
from varsel.model.ids import new_id
from varsel.outgoing.verdict import NotMet
from varsel.storage import queries
from varsel.storage.pool import Pool
from varsel.workers.number_feed import NumberFeed

FIVE_HUNDRED = 500
END_AN_ORDER = """
INSERT INTO feed_waiting (order_id, creator, type, status, last_update, recipients) VALUES ($1, $2, 0, 2, $3, $4)
"""


async def end_orders(service: Service, count: int, *, org: str = "ttd", recipients: str = "[]") -> None:
    """Let so many orders end, one after the other, as far as the feed can tell."""
    pool = service.rig.pool
    rows = [(new_id(), org, NOON + timedelta(seconds=number), recipients) for number in range(count)]
    await pool.executemany(END_AN_ORDER, rows)
    while await NumberFeed(pool).run_once():
        continue


def numbers(entries: list[dict[str, Any]]) -> list[int]:
    """Return the sequence numbers of entries."""
    return [entry["sequenceNumber"] for entry in entries]


async def test_an_empty_feed_is_an_empty_array(service: Service) -> None:
    answer = await service.get("/future/shipment/feed")
    assert (answer.status_code, answer.text) == (200, "[]")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_one_entry_for_each_order_that_ended_whatever_its_type(service: Service) -> None:
    """One entry per order; bare array; no `type` in recipients; `shipmentType` (api.md 5, items 12 and 13)."""
    v1 = await service.accepted("/orders/email", EMAIL_ORDER)
    chain = await placed(service, CHAIN | {"reminders": [{"delayDays": 1, "recipient": EMAIL}]})
    composed = await placed(service, COMPOSED, COMPOSED_PATH)
    instant = await placed(service, instant_email("bounced"), INSTANT_EMAIL_PATH)
    await service.rig.work()
    await service.rig.work(after=timedelta(days=1))
    await service.rig.work(after=timedelta(days=3))

    entries = await feed(service)

    assert not holds_null(entries)
    assert sorted(numbers(entries)) == numbers(entries) == list(range(1, 6))
    assert {(entry["shipmentId"], entry["shipmentType"]) for entry in entries} == {
        (str(v1), "Notification"),
        (str(chain.main), "Notification"),
        (str(chain.reminders[0]), "Reminder"),
        (str(composed.main), "Composed"),
        (str(instant.main), "Instant"),
    }
    (bounced,) = [entry for entry in entries if entry["shipmentId"] == str(instant.main)]
    assert bounced == {
        "sequenceNumber": bounced["sequenceNumber"],
        "shipmentId": str(instant.main),
        "shipmentType": "Instant",
        "status": "Order_Completed",
        "lastUpdate": "2026-06-15T10:00:00Z",
        "recipients": [
            {
                "destination": "bounced@example.com",
                "status": "Email_Failed_Bounced",
                "lastUpdate": "2026-06-15T10:00:00Z",
            }
        ],
    }
    (of_chain,) = [entry for entry in entries if entry["shipmentId"] == str(chain.main)]
    assert of_chain["sendersReference"] == "case-42"


async def test_an_order_stopped_by_its_condition_has_an_entry_without_recipients(pool: Pool, tmp_path: Path) -> None:
    """SendConditionNotMet with []; no cancelled; nothing before the end (api.md 3.14)."""

    async def not_met(_address: str, _creator: str) -> NotMet:
        return NotMet()

    rig = Rig(pool, FixedDirectory(None), ask_condition=not_met)
    async with running_service(pool, tmp_path, rig=rig) as service:
        later = {"requestedSendTime": "2026-06-15T10:30:00Z"}
        cancelled = await placed(service, CHAIN | later | {"idempotencyId": "cancelled"})
        assert (await service.put(f"/orders/{cancelled.main}/cancel")).status_code == 200
        await placed(service, CHAIN | {"idempotencyId": "open", "recipient": to_email("never-reported")})
        stopped = await placed(service, CHAIN | later | {"conditionEndpoint": "https://example.no/check"})
        await rig.work(after=timedelta(hours=1))

        (entry,) = await feed(service)
        assert (entry["shipmentId"], entry["status"]) == (str(stopped.main), "Order_SendConditionNotMet")
        assert entry["recipients"] == []
        assert (await shipment(service, stopped.main))["status"] == "Order_SendConditionNotMet"


async def test_an_entry_is_readable_at_once_where_upstream_has_a_2_s_delay(service: Service) -> None:
    """6.3 GET feed: 2 s delay. It hides numbers that are assigned before lower ones are committed (api.md 3.14). Ours
    are assigned in the order of commits, so that nothing is to be hidden (contract/README.md, feed visibility)."""
    told = await placed(service, CHAIN)
    await service.rig.work()
    for direction in ("asc", "desc"):
        assert [entry["shipmentId"] for entry in await feed(service, orderBy=direction)] == [str(told.main)]
    ended = (await feed(service))[0]["lastUpdate"]
    assert ended == "2026-06-15T10:00:00Z" == write_time(service.rig.clock.now())  # no time has passed at all


class Reader:
    """Polls the feed over HTTP, page by page, and keeps what it saw in the order it saw it."""

    def __init__(self, service: Service) -> None:
        self.seen: list[dict[str, Any]] = []
        self._service = service

    @property
    def last(self) -> int:
        """The highest number seen."""
        return max(numbers(self.seen), default=0)

    async def ascend(self) -> None:
        """Read on from the last number, as the contract tells consumers to."""
        while page := await feed(self._service, seq=self.last, pageSize=2):
            self.seen += page

    async def descend(self) -> None:
        """Read from the newest down to what was seen before."""
        known, seq, fresh = self.last, 0, list[dict[str, Any]]()
        while page := await feed(self._service, orderBy="desc", seq=seq, pageSize=2):
            fresh += [entry for entry in page if entry["sequenceNumber"] > known]
            seq = page[-1]["sequenceNumber"]
            if seq <= known:
                break
        self.seen += fresh


@pytest.mark.parametrize("direction", ["ascend", "descend"])
async def test_readers_miss_nothing_of_a_writer_that_began_first_and_ends_last(
    service: Service, direction: str
) -> None:
    """6.3 GET feed: 2 s delay, gaps, asc/desc: a transaction held open for as long as you like loses no entry."""
    reader, pool = Reader(service), service.rig.pool
    slow_ones, others = list[str](), list[str]()
    for turn in range(2):
        async with pool.acquire() as slow:
            transaction = slow.transaction()
            await transaction.start()
            order_id = new_id()
            slow_ones.append(str(order_id))
            await slow.execute(END_AN_ORDER, order_id, "ttd", NOON - timedelta(days=1), "[]")
            for number in range(3):
                told = await placed(service, CHAIN | {"idempotencyId": f"{turn} {number}"})
                others.append(str(told.main))
                await service.rig.work()
                await getattr(reader, direction)()
            assert {entry["shipmentId"] for entry in reader.seen} == {*slow_ones[:-1], *others}
            await transaction.commit()
        await service.rig.work()
        await getattr(reader, direction)()

    assert sorted(numbers(reader.seen)) == list(range(1, 9))
    assert sorted(entry["shipmentId"] for entry in reader.seen) == sorted(slow_ones + others)


async def test_what_could_not_be_sent_at_all_has_an_entry(service: Service) -> None:
    """Completed at once, for nobody was found (processing.md 10.1, item 6)."""
    order = {**EMAIL_ORDER, "recipients": [{"nationalIdentityNumber": "06069412347"}]}
    await service.accepted("/orders/email", order)
    await service.rig.work()
    (entry,) = await feed(service)
    assert [(line["destination"], line["status"]) for line in entry["recipients"]] == [
        ("", "Email_Failed_RecipientNotIdentified")
    ]


async def test_pages_in_both_directions(service: Service) -> None:
    """asc/desc; `seq` 0 with desc means from the newest; `orderBy=DESC`, `1`."""
    await end_orders(service, 7)
    pages: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"seq": 0}, [1, 2, 3, 4, 5, 6, 7]),
        ({"seq": 3}, [4, 5, 6, 7]),
        ({"seq": 7}, []),
        ({"seq": 2**63 - 1}, []),
        ({"seq": 3, "pageSize": 2, "orderBy": "asc"}, [4, 5]),
        ({"orderBy": "ASC", "pageSize": "1"}, [1]),
        ({"orderBy": 0, "seq": 5}, [6, 7]),
        ({"orderBy": "desc"}, [7, 6, 5, 4, 3, 2, 1]),
        ({"orderBy": "DESC", "seq": 0, "pageSize": 2}, [7, 6]),
        ({"orderBy": 1, "seq": 4}, [3, 2, 1]),
        ({"orderBy": "1", "seq": 1}, []),
        ({"ORDERBY": "Desc", "SEQ": "6", "PAGESIZE": "1", "other": "x"}, [5]),
    ]
    for query, expected in pages:
        assert numbers(await feed(service, **query)) == expected, query


async def test_page_sizes_are_cut_and_not_refused(service: Service) -> None:
    """Page size 0, -1, 501, absent."""
    await end_orders(service, FIVE_HUNDRED + 3)
    for size, expected in [(0, 1), (-1, 1), (1, 1), (2, 2), (499, 499), (500, 500), (501, 500), (2**31 - 1, 500)]:
        for direction in ("asc", "desc"):
            assert len(await feed(service, pageSize=size, orderBy=direction)) == expected
    assert len(await feed(service)) == FIVE_HUNDRED
    assert numbers(await feed(service, seq=FIVE_HUNDRED)) == [501, 502, 503]


async def test_a_setting_bounds_the_page_and_is_its_default(pool: Pool, tmp_path: Path) -> None:
    for largest, wanted, expected in [(600, None, 600), (600, 700, 600), (20, None, 20), (20, 19, 19)]:
        async with running_service(pool, tmp_path, feed_page_size=largest) as service:
            if largest == 600 and wanted is None:
                await end_orders(service, 601)
            query: dict[str, Any] = {} if wanted is None else {"pageSize": wanted}
            assert len(await feed(service, **query)) == expected


BROKEN: list[tuple[dict[str, str], set[str]]] = [
    ({"seq": "-1"}, {"Seq"}),
    ({"seq": "x"}, {"Seq"}),
    ({"seq": ""}, {"Seq"}),
    ({"seq": "9223372036854775808"}, {"Seq"}),
    ({"pageSize": "x"}, {"PageSize"}),
    ({"pageSize": "2147483648"}, {"PageSize"}),
    ({"orderBy": "x"}, {"OrderBy"}),
    ({"orderBy": "2"}, {"OrderBy"}),
    ({"seq": "-1", "pageSize": "1.5", "orderBy": ""}, {"Seq", "PageSize", "OrderBy"}),
]


async def test_queries_that_break_a_rule(service: Service) -> None:
    """400 for whoever asks, 403 without a creator only afterwards (api.md 1.6)."""
    for query, keys in BROKEN:
        for org in ("ttd", None):
            answer = await service.client.get(
                "/notifications/api/v1/future/shipment/feed", params=query, headers=service.bearer(org)
            )
            assert answer.status_code == 400
            assert answer.json()["errors"].keys() == keys


async def test_others_are_gaps(service: Service) -> None:
    """Sequence numbers are global; only the creator's own entries, compared exactly."""
    for org in ("ttd", "skd", "TTD", "ttd", "ttd2", "", "ttd"):
        await end_orders(service, 1, org=org)
    assert numbers(await feed(service)) == [1, 4, 7]
    assert numbers(await feed(service, seq=2, orderBy="desc")) == [1]
    assert numbers(await feed(service, org="skd", orderBy="desc")) == [2]
    assert numbers(await feed(service, org="TTD")) == [3]
    assert await feed(service, org="nobody") == []


async def test_content_is_frozen_while_the_shipment_lives_on(service: Service) -> None:
    """api.md 5, item 12."""
    told = await placed(service, CHAIN)
    await service.rig.work()
    (entry,) = await feed(service)
    await service.rig.pool.execute("UPDATE notifications SET result = 60")
    assert (await shipment(service, told.main))["recipients"][0]["status"] == "Email_Failed_Bounced"
    assert await feed(service) == [entry]
    assert entry["recipients"][0]["status"] == "Email_Delivered"


async def test_entries_are_removed_after_90_days_and_the_numbers_go_on(service: Service) -> None:
    await end_orders(service, 3)
    await service.rig.work(after=timedelta(days=90))
    assert numbers(await feed(service))[-2:] == [2, 3]
    await service.rig.work(after=timedelta(seconds=3))
    assert await feed(service) == []
    await end_orders(service, 1)
    assert numbers(await feed(service)) == [4]


async def test_a_page_ends_early_where_its_entries_are_large_and_none_is_lost(service: Service) -> None:
    """An order may have hundreds of thousands of recipients; a page of 500 such would outgrow any memory."""
    order = make_order(emails("kari"), NOON)
    await service.rig.store(order)
    await service.rig.work()
    address = "(SELECT string_agg(md5(n::text || m), '') FROM generate_series(1, 10) m)"
    lines = f"SELECT json_agg(json_build_array({address}, 53, n)) FROM generate_series(1, 1500) n"
    large = await service.rig.pool.fetchval(lines)
    await end_orders(service, 5, recipients=large)

    seen, pages = list[int](), 0
    while page := await feed(service, seq=seen[-1] if seen else 0):
        seen += numbers(page)
        pages += 1

    assert seen == [1, 2, 3, 4, 5, 6]
    assert 2 <= pages <= 5
    assert numbers(await feed(service, orderBy="desc"))[0] == 6


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_whoever_reads_only_their_own_entries_are_looked_at(service: Service, mode: str) -> None:
    """Whatever plan the database picks, who has few entries or none is not made to wait for those of all others."""
    await end_orders(service, 2_000)
    await end_orders(service, 1, org="few")
    async with service.rig.pool.acquire() as connection, connection.transaction():
        await connection.execute("ANALYZE feed")
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        for direction in ("ascending", "descending"):
            await connection.execute(f"PREPARE {direction} AS {queries.load('feed')[direction].text}")
            for creator, position in (("ttd", 1), ("few", 1), ("nobody", 1), ("ttd", 1_999)):
                page = f"{direction}('{creator}', {position}, 500, 2000000)"
                plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN (ANALYZE) EXECUTE {page}"))
                assert "using feed_creator" in plan, plan
                assert "feed_pkey" not in plan
                assert "Rows Removed" not in plan
