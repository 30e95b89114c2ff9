"""A process that uses the embedded PostgreSQL of a directory: prints its URL, and leaves when its input ends.

Run as `python -m tests.support.postgres_user DIRECTORY`; `PostgresUser` is the handle other processes hold on it.
"""

import subprocess
import sys
from pathlib import Path

from varsel.storage.embedded import EmbeddedPostgres

_REPOSITORY = Path(__file__).parents[2]


class PostgresUser:
    """One such process, already on its way when this returns."""

    def __init__(self, data_dir: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "tests.support.postgres_user", str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_REPOSITORY,
        )

    def url(self) -> str:
        """Wait until it has the server and return the URL it was given."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def leave(self) -> None:
        """Let it stop using the server, and wait for its end."""
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    def kill(self) -> None:
        """Kill it outright."""
        self._process.kill()
        self._process.communicate(timeout=60)


def main() -> None:
    """Use the server until standard input ends."""
    with EmbeddedPostgres(Path(sys.argv[1])) as url:
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
