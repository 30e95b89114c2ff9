"""Liveness, readiness and start-up over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import Request

from tests.support.service import Service, running_service
from varsel.intake.credentials import Caller
from varsel.intake.health import Health, HealthOptions
from varsel.storage.pool import Pool

REQUEST = Request({"type": "http", "headers": []})
NOBODY = Caller()
ALL_WELL = {"database": "ok", "schema": "ok", "token keys": "ok"}


@pytest.fixture
async def service(pool: Pool, tmp_path: Path) -> AsyncIterator[Service]:
    async with running_service(pool, tmp_path) as running:
        yield running


@pytest.mark.parametrize("path", ["/health/ready", "/health/startup"])
async def test_a_process_that_can_work_is_ready(service: Service, path: str) -> None:
    answer = await service.client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "Healthy", "checks": ALL_WELL})
    assert "no-store" in answer.headers["cache-control"]


async def test_a_read_only_database_is_not_ready_but_alive(service: Service) -> None:
    async with service.rig.pool.acquire() as connection:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await service.rig.pool.expire_connections()
    answer = await service.client.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]) == (503, ALL_WELL | {"database": "failed"})
    assert (await service.client.get("/health")).status_code == 200


async def test_a_schema_of_another_version_is_not_ready(service: Service) -> None:
    await service.rig.pool.execute("DELETE FROM schema_migrations WHERE number = 1")
    answer = await service.client.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["schema"]) == (503, "failed")


async def test_what_hangs_counts_as_failed() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    health = Health({"slow": hang}, HealthOptions(longest=0.01, fresh=0.0))
    answer = await health.ready(REQUEST, NOBODY)
    assert (answer.status_code, json.loads(bytes(answer.body))["checks"]) == (503, {"slow": "failed"})


async def test_startup_stays_well_after_it_was_well_once() -> None:
    well = False

    async def check() -> None:
        if not well:
            raise OSError

    health = Health({"database": check}, HealthOptions(fresh=0.0))
    assert (await health.started(REQUEST, NOBODY)).status_code == 503
    well = True
    assert (await health.started(REQUEST, NOBODY)).status_code == 200
    well = False
    assert (await health.started(REQUEST, NOBODY)).status_code == 200
    assert (await health.ready(REQUEST, NOBODY)).status_code == 503


async def test_many_probes_at_once_cost_one_look() -> None:
    looks = 0

    async def check() -> None:
        nonlocal looks
        looks += 1

    health = Health({"database": check}, HealthOptions(fresh=3600.0))
    answers = await asyncio.gather(*(health.ready(REQUEST, NOBODY) for _ in range(50)))
    assert ({answer.status_code for answer in answers}, looks) == ({200}, 1)
