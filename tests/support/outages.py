"""A PostgreSQL of a test's own that can be killed under working workers and started again."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg

from tests.conftest import memory_or_disk
from varsel.storage.embedded import EmbeddedPostgres


class OwnServer:
    """A running server in a directory of its own."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._server = EmbeddedPostgres(data_dir)
        self.url = self._server.start()

    async def kill(self) -> None:
        """Kill the server with all its processes at once, as a power cut does."""
        connection = await asyncpg.connect(self.url)
        others = [row["pid"] for row in await connection.fetch("SELECT pid FROM pg_stat_activity")]
        (pid_file,) = self._data_dir.rglob("postmaster.pid")
        for pid in (int(pid_file.read_text().split("\n", 1)[0]), *others):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        connection.terminate()

    def start(self) -> None:
        """Start the server again, at the address it had."""
        self._server.start()

    def stop(self) -> None:
        """Stop the server for good."""
        self._server.stop()


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Run a server while the block runs."""
    directory = Path(tempfile.mkdtemp(prefix="varsel-outage-", dir=memory_or_disk()))
    directory.chmod(0o711)  # as root, the server runs as another user and must be able to pass
    server = OwnServer(directory)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)
