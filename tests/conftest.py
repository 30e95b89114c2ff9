"""A real PostgreSQL for tests: `database_url` is a fresh, migrated database, `pool` an open pool on it."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from tests.support import leftovers
from varsel.storage.embedded import EmbeddedPostgres
from varsel.storage.migrate import migrate
from varsel.storage.pool import Pool, open_pool

# What makes a database outlive a power cut is left out here: tests throw it away.
_SHORT_LIVED = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "256MB"}
_PREFIX = "varsel-test-"
_MEMORY = Path("/dev/shm")  # noqa: S108 - only a place for a directory made safely by tempfile
_ROOMY = 2 * 1024**3

_LAST_STATEMENTS = 10.0

_numbers = count(1)


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """URL of a server where databases may be created: VARSEL_TEST_DATABASE_URL, or an embedded one of this session."""
    if url := os.environ.get("VARSEL_TEST_DATABASE_URL"):
        yield url
        return
    leftovers.clear(memory_or_disk(), _PREFIX)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=memory_or_disk()))
    directory.chmod(0o711)  # as root, the server runs as another user and must be able to pass
    try:
        with EmbeddedPostgres(directory, settings=_SHORT_LIVED) as url:
            yield url
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def database_template(database_server: str) -> Iterator[str]:
    """Name of a migrated database that others are cloned from."""
    name = f"varsel_template_{os.getpid()}"
    asyncio.run(_create_template(database_server, name))
    yield name
    asyncio.run(_administer(database_server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def database_url(database_server: str, database_template: str) -> AsyncIterator[str]:
    """URL of a fresh, migrated database, dropped after the test whoever is still connected."""
    async with _cloned(database_server, database_template) as url:
        yield url


@pytest.fixture
async def second_database_url(database_server: str, database_template: str) -> AsyncIterator[str]:
    """URL of another such database, for tests of two installations."""
    async with _cloned(database_server, database_template) as url:
        yield url


@asynccontextmanager
async def _cloned(server: str, template: str) -> AsyncIterator[str]:
    name = f"varsel_test_{os.getpid()}_{next(_numbers)}"
    await _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield url_of(server, name)
    await _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty_database_url(database_server: str) -> AsyncIterator[str]:
    """URL of a database without any schema, dropped after the test."""
    name = f"varsel_empty_{os.getpid()}_{next(_numbers)}"
    await _administer(database_server, f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY")
    yield url_of(database_server, name)
    await _administer(database_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """An open pool on a fresh, migrated database."""
    opened = await open_pool(database_url, min_size=1, max_size=10)
    yield opened
    async with asyncio.timeout(_LAST_STATEMENTS):  # a test that failed may have left one waiting for ever
        await opened.close()


def memory_or_disk() -> Path:
    """Return where test databases go: cloning one is five times as fast in memory, of which containers have little."""
    roomy = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOMY
    return _MEMORY if roomy else Path(tempfile.gettempdir())


async def _create_template(server: str, name: str) -> None:
    await _administer(server, f"CREATE DATABASE {name} TEMPLATE template0")
    opened = await open_pool(url_of(server, name), min_size=1, max_size=2)
    await migrate(opened)
    await opened.close()


async def _administer(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def url_of(server: str, database: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))
