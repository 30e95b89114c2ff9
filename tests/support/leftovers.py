"""Test servers that an interrupted session could not stop: found and stopped by the next one."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from varsel.errors import DatabaseUnavailable
from varsel.storage.embedded import EmbeddedPostgres
from varsel.storage.embedded.locks import FileLock


def clear(directories: Path, prefix: str) -> None:
    """Stop and remove the embedded servers under `directories` that nobody uses any more."""
    for directory in directories.glob(f"{prefix}*"):
        if directory.stat().st_uid == os.geteuid() and _is_abandoned(directory):
            with suppress(DatabaseUnavailable), EmbeddedPostgres(directory):
                pass  # joining it and being the last to leave is what stops it
            shutil.rmtree(directory, ignore_errors=True)


def _is_abandoned(directory: Path) -> bool:
    """Whether no process holds its locks; a session that is just beginning has not made the second one yet."""
    starting, users = directory / "postgres.start.lock", directory / "postgres.users.lock"
    if not users.exists():
        return False
    with FileLock(starting) as first, FileLock(users) as second:
        return first.try_alone() and second.try_alone()
