"""Directories for embedded servers of a test's own."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import memory_or_disk
from tests.support.embedded_server import execute, pid_in
from varsel.storage.embedded import EmbeddedPostgres


@pytest.fixture
def empty_dir() -> Iterator[Path]:
    """A directory that whoever runs the server can pass through, cleared of servers and files afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="varsel-embedded-", dir=memory_or_disk()))
    directory.chmod(0o711)
    yield directory
    for pid_file in directory.rglob("postmaster.pid"):
        with suppress(ProcessLookupError):
            os.kill(pid_in(pid_file), signal.SIGKILL)
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def prepared() -> Iterator[Path]:
    """A directory with a stopped cluster, to copy."""
    directory = Path(tempfile.mkdtemp(prefix="varsel-prepared-", dir=memory_or_disk()))
    directory.chmod(0o711)
    with EmbeddedPostgres(directory) as url:
        asyncio.run(execute(url, "CREATE TABLE kept (n integer)"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def data_dir(empty_dir: Path, prepared: Path) -> Path:
    """A directory with a stopped cluster that has an empty table `kept`."""
    command = ["/bin/cp", "-a", str(prepared / "postgres"), str(empty_dir)]  # keeps owners, as shutil.copytree does not
    subprocess.run(command, check=True)  # noqa: S603 - our own directories
    return empty_dir
