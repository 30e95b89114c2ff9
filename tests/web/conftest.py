"""`service`: the interface on a port of its own, with a crew on a hand-turned clock."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.service import Service, running_service
from varsel.storage.pool import Pool


@pytest.fixture
async def service(pool: Pool, tmp_path: Path) -> AsyncIterator[Service]:
    """A running service on a fresh database."""
    async with running_service(pool, tmp_path) as running:
        yield running
