"""Who uses an embedded server, who starts it, and who is the last and stops it."""

import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from varsel.errors import DatabaseUnavailable
from varsel.storage.embedded.cluster import Cluster
from varsel.storage.embedded.locks import FileLock
from varsel.storage.embedded.placement import (
    HOMES,
    cluster_of,
    is_cluster,
    place,
    programs_for,
    socket_directory,
)

_log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """The PostgreSQL server of one data directory, shared by all processes that start it here.

    Each user holds a share of one file lock while it uses the server. The last one to stop finds that it could have the
    lock alone, and stops the server. A killed process gives its share back by itself; a server left behind by a killed
    process is found and used by the next one. A second lock makes starting and stopping a matter of one at a time.

    `settings` go to the server's command line on top of those in its `postgresql.conf`. `homes` is where the cluster
    goes when root's data directory is closed to the server's user (see `placement`).
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        homes: Path = HOMES,
        timeout: float = 300.0,
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._settings = settings or {}
        self._homes = homes
        self._timeout = timeout
        self._share: FileLock | None = None
        self._cluster: Cluster | None = None

    def exists(self) -> bool:
        """Whether a database was created here before; nothing is started or made."""
        with _plainly_told(self._data_dir):
            return is_cluster(cluster_of(self._data_dir))

    def start(self) -> str:
        """Start the server, or join the one that runs, and return the URL to connect to; blocks for up to `timeout` s.

        Raises `DatabaseUnavailable` with the last lines of the server's log when it does not come up.
        """
        if sys.platform == "win32":
            raise DatabaseUnavailable("The embedded PostgreSQL needs Linux or macOS. Set VARSEL_DATABASE_URL.")
        with _plainly_told(self._data_dir):
            self._data_dir.mkdir(parents=True, exist_ok=True)
            with self._one_at_a_time():
                if self._share is None:
                    self._share = FileLock(self._data_dir / "postgres.users.lock")
                    self._share.share()
                try:
                    return self._running()
                except BaseException:
                    self._leave()
                    raise

    def revive(self) -> bool:
        """Start the server again if it has died, and tell whether it had; blocks as `start`.

        Raises `DatabaseUnavailable` when it does not come up.
        """
        cluster = self._cluster
        if cluster is None or cluster.answers():
            return False
        with _plainly_told(self._data_dir), self._one_at_a_time():
            if self._share is None or cluster.accepts(self._timeout):  # we have left it, or another process was quicker
                return False
            cluster.start(self._settings, self._timeout)
            return True

    def stop(self) -> None:
        """Leave the server; the last user to do so stops it. Without a `start` before, nothing happens."""
        if self._share is not None:
            with _plainly_told(self._data_dir), self._one_at_a_time():
                self._leave()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> str:
        placement = place(self._data_dir, self._homes)
        socket_dir = socket_directory(placement.cluster, placement.account)
        cluster = Cluster(placement, programs_for(placement), socket_dir)
        cluster.create()
        self._cluster = cluster
        if cluster.accepts(self._timeout):
            _log.info("using the PostgreSQL that already runs on %s", cluster.directory)
        else:
            cluster.start(self._settings, self._timeout)
        return cluster.url

    def _leave(self) -> None:
        share, self._share = self._share, None
        cluster, self._cluster = self._cluster, None
        if share is not None:
            with share:
                if cluster is not None and share.try_alone():
                    cluster.stop(timeout=60.0)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        with FileLock(self._data_dir / "postgres.start.lock") as lock:
            if not lock.alone_within(self._timeout):
                raise DatabaseUnavailable(
                    f"Another process has been starting or stopping the database in {self._data_dir} for "
                    f"{self._timeout:g} s. End that process, or wait until it is ready, and start Varsel again."
                )
            yield


@contextmanager
def _plainly_told(data_dir: Path) -> Iterator[None]:
    """Turn what the operating system refuses into the one error callers expect."""
    try:
        yield
    except (OSError, subprocess.SubprocessError) as refusal:
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL of {data_dir} cannot be used: {refusal}. Start Varsel as the user that owns the "
            "data directory, choose another one (VARSEL_DATA_DIR), or set VARSEL_DATABASE_URL."
        ) from refusal
