"""Finding people in small: the requests, their send time, and one whole pass over a real service."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench import people, persons
from bench.baselines import DATABASE, Baselines
from bench.lab import QUICK, Lab
from bench.persons import SendTime, large_orders, single_person_chains
from bench.postgres import running


def body_of(request: bytes) -> Any:
    head, body = request.split(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    return json.loads(body)


def test_every_chain_is_about_a_person_of_its_own() -> None:
    first, second = map(body_of, single_person_chains("token", range(2), SendTime(600)))
    numbers = {chain["recipient"]["recipientPerson"]["nationalIdentityNumber"] for chain in (first, second)}
    assert len(numbers) == len({first["idempotencyId"], second["idempotencyId"]}) == 2
    assert all(len(number) == 11 and int(number) % 2 == 0 for number in numbers)


def test_large_orders_are_about_others_each() -> None:
    orders = [body_of(order) for order in large_orders("token", range(0, 6, 3), 3, SendTime(600))]
    numbers = [r["nationalIdentityNumber"] for order in orders for r in order["recipients"]]
    assert len(numbers) == len(set(numbers)) == 6


@pytest.mark.parametrize(("forecast", "ahead"), [(600, 600), (0, 10)])
def test_orders_are_due_together_or_soon_after_they_are_placed(forecast: float, ahead: float) -> None:
    (chain,) = map(body_of, single_person_chains("token", range(1), SendTime(forecast)))
    left = datetime.fromisoformat(chain["requestedSendTime"]) - datetime.now(UTC)
    assert timedelta(seconds=ahead - 5) < left <= timedelta(seconds=ahead)


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with running(tmp_path) as server, server.database(DATABASE):
        baselines = Baselines(server, tmp_path)
        await baselines.prepare()
        yield Lab(server, baselines, tmp_path, replace(QUICK, seconds=1, copy_rows=1_000))


SMALL = (replace(people.SINGLE, connections=20), replace(people.LARGE, persons=50))


async def test_people_are_found_and_calls_counted(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persons, "MARGIN", timedelta(seconds=1))
    for kind in SMALL:
        name = f"people_{kind.persons}"
        accepted, processed, calls = await people.measured(lab, name, kind, 100, ("api,worker",))
        assert accepted.medians.rate
        assert accepted.medians.memory_mb
        assert processed.medians.rate
        assert 1 <= (calls.medians.calls or 0) <= 20
