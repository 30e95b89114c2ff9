"""One cluster: a PostgreSQL data directory, and the server on it."""

import logging
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import quote

from varsel.errors import DatabaseUnavailable
from varsel.storage.embedded.access import restrict
from varsel.storage.embedded.placement import Placement, is_cluster
from varsel.storage.embedded.programs import Installation, run_as

_log = logging.getLogger(__name__)

NAME = "varsel"  # of the superuser and of the database
PORT = 5432  # only part of the socket's name: nothing listens on the network

# Written into the cluster's postgresql.conf when it is created, where an operator may change them.
_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A file per weekday, each overwritten a week later. Terse: details and contexts of errors quote stored values.
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
}

_ACCEPTING, _REJECTING = 0, 1  # exit codes of pg_isready
_STILL_ENDING = ("pre-existing shared memory block", "lock file")  # what a server says that finds another's traces
_PAUSE = 0.05
_QUICK_LOOK = 2.0
_ORPHANS_END = 10.0  # seconds for the processes of a killed server to notice and end
_CREATION = 120.0
_LOG_LINES = 12
_LOG_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data directory with the programs and the user account it needs."""

    placement: Placement
    installation: Installation
    socket_dir: Path

    @property
    def directory(self) -> Path:
        """The data directory."""
        return self.placement.cluster

    @property
    def url(self) -> str:
        """Where clients connect; `access` says whose processes are admitted."""
        return f"postgresql://{NAME}@/{NAME}?host={quote(str(self.socket_dir))}&port={PORT}"

    def create(self) -> None:
        """Create the cluster unless it exists; it appears whole under its name, or not at all."""
        if is_cluster(self.directory):
            return
        _log.info("creating a PostgreSQL %s database in %s", self.installation.version, self.directory)
        unfinished = self.directory.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if account := self.placement.account:
            os.chown(unfinished, account.uid, account.gid)
        self._demand("initdb", *_initdb_options(unfinished))
        self._demand(
            "postgres", "--single", "-c", "exit_on_error=on", "-D", str(unfinished), "postgres",
            stdin=f"CREATE DATABASE {NAME}\n",
        )  # fmt: skip
        unfinished.rename(self.directory)

    def start(self, settings: Mapping[str, str], timeout: float) -> None:
        """Start the server and return when it accepts connections, after recovery if it was not stopped cleanly."""
        _log.info("starting PostgreSQL %s on %s", self.installation.version, self.directory)
        orphans_end = monotonic() + _ORPHANS_END
        while (answer := self._start_once(settings, timeout)).returncode != 0:
            tail = self._log_tail()
            if monotonic() > orphans_end or not any(trace in tail for trace in _STILL_ENDING):
                raise DatabaseUnavailable(
                    f"The embedded PostgreSQL in {self.directory} did not start: {_said(answer)}\n{tail}\n"
                    "Look for the cause in these last lines of its log, and start Varsel again; "
                    "or set VARSEL_DATABASE_URL to a PostgreSQL of your own."
                )
            sleep(_PAUSE)

    def accepts(self, timeout: float) -> bool:
        """Whether a server answers on the socket; one that is still recovering is waited for."""
        deadline = monotonic() + timeout
        while (state := self._readiness()) == _REJECTING and monotonic() < deadline:
            sleep(_PAUSE)
        return state == _ACCEPTING

    def answers(self) -> bool:
        """Whether something listens on the socket; quick, and also true of a server that is still recovering."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_QUICK_LOOK)
            try:
                client.connect(str(self.socket_dir / f".s.PGSQL.{PORT}"))
            except TimeoutError:
                return True  # it has more to do than it can take
            except OSError:
                return False
            return True

    def stop(self, timeout: float) -> None:
        """Stop the server, ending its connections and losing nothing; one that is already gone is fine."""
        _log.info("stopping PostgreSQL on %s", self.directory)
        answer = self._run("pg_ctl", "stop", "-m", "fast", "-w", "-t", str(round(timeout)), "-D", str(self.directory))
        if answer.returncode != 0 and self._readiness() == _ACCEPTING:
            raise DatabaseUnavailable(f"The embedded PostgreSQL in {self.directory} did not stop: {_said(answer)}")

    def _start_once(self, settings: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
        self._startup_log.unlink(missing_ok=True)
        for lock_file in (self.directory / "postmaster.pid", self.socket_dir / f".s.PGSQL.{PORT}.lock"):
            _forget_recycled_process(lock_file)
        own = {"listen_addresses": "", "port": str(PORT), "unix_socket_directories": str(self.socket_dir)}
        own |= restrict(self.placement, major=self.installation.major, role=NAME)
        options = shlex.join(f"--{name}={value}" for name, value in {**own, **settings}.items())
        return self._run(
            "pg_ctl", "start", "-w", "-t", str(round(timeout)), "-D", str(self.directory),
            "-l", str(self._startup_log), "-o", options,
            timeout=timeout + 30,
        )  # fmt: skip

    def _readiness(self) -> int:
        where = ("-h", str(self.socket_dir), "-p", str(PORT))
        return self._run("pg_isready", *where, "-U", NAME, "-d", NAME, "-t", "5").returncode

    @property
    def _startup_log(self) -> Path:
        return self.directory / "startup.log"

    def _log_tail(self) -> str:
        """Return the last lines the server wrote before and after it opened its log file."""
        logs = sorted(self.directory.glob("log/*.log"), key=lambda log: log.stat().st_mtime)[-1:]
        existing = [log for log in (self._startup_log, *logs) if log.exists()]
        lines = [line for log in existing for line in _last_lines(log)]
        return "\n".join(f"  {line}" for line in lines)

    def _demand(self, name: str, *options: str, stdin: str = "") -> None:
        answer = self._run(name, *options, timeout=_CREATION, stdin=stdin)
        if answer.returncode != 0:
            raise DatabaseUnavailable(
                f"No embedded PostgreSQL could be created in {self.directory}; {name} says: {_said(answer)}. "
                "Check free space and permissions there, or set VARSEL_DATABASE_URL to a PostgreSQL of your own."
            )

    def _run(
        self, name: str, *options: str, timeout: float = 90.0, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        command = [self.installation.program(name), *options]
        return run_as(self.placement.account, command, timeout=timeout, stdin=stdin)


def _initdb_options(directory: Path) -> list[str]:
    return [
        "--pgdata", str(directory), "--username", NAME, "--no-instructions",
        "--auth-local=peer", "--auth-host=reject",  # where the server is started without us
        "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        *(part for name, value in _SETTINGS.items() for part in ("--set", f"{name}={value}")),
    ]  # fmt: skip


def _forget_recycled_process(lock_file: Path) -> None:
    """Remove a killed server's lock file when its process number now belongs to another program, or to a dead one.

    PostgreSQL would take that for a running server and refuse to start: usual in containers, which count processes
    from 1 again and may leave dead ones uncollected. By its shared memory it still notices a server that lives.
    """
    try:
        number = lock_file.read_text(encoding="utf-8").split("\n", 1)[0].strip()
        command = Path("/proc", number, "cmdline").read_bytes()
    except OSError:
        return
    if b"postgres" not in command:
        _log.info("process %s is no PostgreSQL, though %s says so: removing that file", number, lock_file)
        lock_file.unlink(missing_ok=True)


def _said(answer: subprocess.CompletedProcess[str]) -> str:
    lines = (answer.stderr or answer.stdout).strip().splitlines()
    return " / ".join(lines[-_LOG_LINES:]) or f"nothing (exit code {answer.returncode})"


def _last_lines(log: Path) -> list[str]:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_BYTES))
        return file.read(_LOG_BYTES).decode("utf-8", errors="replace").splitlines()[-_LOG_LINES:]
