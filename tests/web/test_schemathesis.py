"""Whatever is asked, the running service does what its own description says (schemathesis)."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    unsupported_method,
)

from tests.conftest import url_of
from tests.support.described import published
from tests.support.issuer import COMPOSED as COMPOSED_SCOPE
from tests.support.issuer import CREATE
from tests.support.service import Service, running_service
from varsel.intake import v1_routes
from varsel.intake.shapes import read_loose_guid
from varsel.intake.wire_future.routes import SHIPMENT
from varsel.storage.pool import open_pool

SHARED_WITH_READ = {v1_routes.PLACE_EMAIL.path, v1_routes.PLACE_SMS.path}
DOCUMENT = published("http://127.0.0.1")


def contradicted(case: Any) -> list[Any]:
    """Return the checks that the contract itself contradicts for an operation."""
    if case.operation.path == SHIPMENT.path and read_loose_guid(str(case.path_parameters["id"])) is None:
        return [content_type_conformance, response_schema_conformance]  # nothing is at such a path (api.md 3.14)
    if case.operation.method.upper() != "POST":
        return []
    # Rules that lie between members, or in the time of day, cannot be said in a schema (api.md 3.5), and more is read
    # than the canonical form that is described: integers for enumerations, say (api.md 1.3).
    beyond_schemas = [positive_data_acceptance, negative_data_rejection]
    # GET works there too: it reads the order whose id is 'email', and there is none (api.md 3). Nobody need be told.
    hidden_get = [allow_header_conformance, unsupported_method] if case.operation.path in SHARED_WITH_READ else []
    return beyond_schemas + hidden_get


@dataclass(frozen=True)
class Running:
    """Where the service is, and the headers that open it."""

    address: str
    headers: dict[str, str]


@asynccontextmanager
async def service_on_a_database_of_its_own(server: str, template: str, data_dir: Path) -> AsyncIterator[Service]:
    """Run a service that lives longer than one test."""
    name = f"{template}_described"
    await administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    pool = await open_pool(url_of(server, name), min_size=1, max_size=5)
    try:
        async with running_service(pool, data_dir, swagger=True) as service:
            yield service
    finally:
        await pool.close()
        await administer(server, f"DROP DATABASE {name} WITH (FORCE)")


async def administer(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def running(
    database_server: str, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A service in a thread with a loop of its own, because schemathesis blocks the one it is called in."""
    ready: Future[tuple[Running, asyncio.Event]] = Future()
    data_dir = tmp_path_factory.mktemp("described")

    async def serve() -> None:
        stopping = asyncio.Event()
        async with service_on_a_database_of_its_own(database_server, database_template, data_dir) as service:
            credentials = service.bearer("ttd", scopes=(CREATE, COMPOSED_SCOPE))
            ready.set_result((Running(f"http://127.0.0.1:{service.port}", credentials), stopping))
            await stopping.wait()

    with asyncio.Runner() as runner:
        thread = threading.Thread(target=runner.run, args=[serve()])
        thread.start()
        running, stopping = ready.result(timeout=30)
        yield running
        runner.get_loop().call_soon_threadsafe(stopping.set)
        thread.join(timeout=30)


schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.parametrize()
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_service_does_what_it_describes(case: Any, running: Running) -> None:
    case.call_and_validate(base_url=running.address, headers=running.headers, excluded_checks=contradicted(case))
