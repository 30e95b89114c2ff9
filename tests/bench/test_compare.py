"""The comparison of two services: what it sends, what it overlooks, and what it finds."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bench.compare.cases import Case, Request
from bench.compare.examples import examples
from bench.compare.exchange import Answer, Refused, Side
from bench.compare.mutations import changed, is_harmless
from bench.compare.normal import Difference, Normal, differences
from bench.compare.report import Report
from bench.compare.run import cases, compare
from tests.support.service import running_service
from varsel.storage.pool import Pool, open_pool

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
CASES = 250


@pytest.fixture
async def second_pool(second_database_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(second_database_url, min_size=1, max_size=10) as opened:
        yield opened


@asynccontextmanager
async def side(pool: Pool, folder: Path, **settings: Any) -> AsyncIterator[Side]:
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - at once
    async with running_service(pool, folder, **settings) as service:
        token = service.bearer()["Authorization"].removeprefix("Bearer ")
        opened = Side(f"http://127.0.0.1:{service.port}", token)
        yield opened
        await opened.close()


async def test_a_service_does_not_differ_from_itself(pool: Pool, second_pool: Pool, tmp_path: Path) -> None:
    async with side(pool, tmp_path / "left") as left, side(second_pool, tmp_path / "right") as right:
        report = await compare(left, right, seed=7, amount=CASES)
    assert report.groups == {}, report.text()
    assert (report.cases, report.answers > CASES) == (CASES, True)


async def test_a_difference_is_found_and_shown_with_its_smallest_example(
    pool: Pool, second_pool: Pool, tmp_path: Path
) -> None:
    uncancellable = timedelta(days=400)
    async with (
        side(pool, tmp_path / "left") as left,
        side(second_pool, tmp_path / "right", cancel_limit=uncancellable) as right,
    ):
        report = await compare(left, right, seed=7, amount=60)
    found = [group for group in report.groups.values() if group.case.requests[group.step].method == "PUT"]
    assert found
    assert len(found) == len(report.groups)
    assert all(Difference("/status", 200, 409) in group.found for group in found)
    assert "cancel" in report.text()
    json.dumps(report.document())


def test_the_same_seed_sends_the_same_changes() -> None:
    def sent(seed: int) -> list[str]:
        return [f"{case.endpoint}: {case.change}" for case in cases(seed, 300, NOW)]

    assert sent(5) == sent(5)
    assert sent(5) != sent(6)


def test_every_endpoint_is_met_and_changed() -> None:
    sent = list(cases(1, 600, NOW))
    assert {case.endpoint for case in sent} == {example.endpoint for example in examples(NOW, "run")}
    assert len({case.change for case in sent}) > 200


def test_nothing_that_could_be_accepted_is_due_soon() -> None:
    chance = Random(3)
    for example in examples(NOW, "run"):
        if example.body is not None:
            assert is_harmless(example.request())
            for _ in range(500):
                assert is_harmless(changed(example, chance).requests[0])


@pytest.mark.parametrize(
    "body",
    [
        b'{"requestedSendTime": null}',
        b'{"requestedSendTim": "2099-01-01T10:00:00Z"}',
        b'{"requestedSendTime": "2001-01-01T10:00:00Z"}',
        b'{"requestedSendTime": "2099-01-01T10:00:00Z", "REQUESTEDSENDTIME": null}',
        b"{}",
    ],
)
def test_an_order_that_might_be_due_at_once_is_not_harmless(body: bytes) -> None:
    assert not is_harmless(Request("POST", "/", body=body))


def test_ids_addresses_and_instants_near_now_are_overlooked() -> None:
    one = normal("http://127.0.0.1:1", "6e1b1d5e-0000-4000-8000-000000000001", NOW)
    other = normal("https://notify.example.com", "6E1B1D5E-0000-4000-8000-00000000000A", NOW + timedelta(seconds=9))
    assert list(differences(one, other)) == []


def test_instants_elsewhere_and_ids_in_other_places_are_not() -> None:
    one = normal("http://127.0.0.1:1", "6e1b1d5e-0000-4000-8000-000000000001", NOW)
    other = normal("http://127.0.0.1:1", "6e1b1d5e-0000-4000-8000-000000000001", NOW + timedelta(hours=2))
    assert [difference.where for difference in differences(one, other)] == ["/body/created"]


def normal(address: str, order_id: str, created: datetime) -> dict[str, Any]:
    link = f"{address}/notifications/api/v1/orders/{order_id}"
    body = {"id": order_id, "created": created.isoformat(), "traceId": order_id, "links": {"self": link}}
    return Normal(address, NOW).of(Answer(200, {"location": link, "date": created.isoformat()}, body))


def test_values_of_another_type_and_absent_members_differ() -> None:
    assert list(differences({"a": 1, "b": [1]}, {"a": True, "b": [1, 2]})) == [
        Difference("/a", 1, True),
        Difference("/b/1", "(absent)", 2),
    ]


def test_a_service_that_breaks_off_differs_from_one_that_answers() -> None:
    broken = Normal("http://127.0.0.1:1", NOW).of(Refused("EOFError"))
    assert [each.where for each in differences(broken, normal("http://127.0.0.1:1", "x", NOW))] == [
        "/body",
        "/headers",
        "/refused",
        "/status",
    ]


def test_differences_of_one_kind_are_grouped_with_the_smallest_case() -> None:
    report = Report()
    for size, place in ((50, 3), (10, 0), (30, 12)):
        case = Case("order", f"{size} bytes", (Request("POST", "/orders", body=bytes(size)),))
        report.add(case, 0, [Difference(f"/body/recipients/{place}/name", "a", "b")])
    (group,) = report.groups.values()
    assert (group.times, group.case.change) == (3, "10 bytes")
