"""Who may connect to an embedded server: the processes of a few users of this system, asked of the kernel.

The files lie beside the cluster, where the server's own user cannot change them when root has started it. Root's
servers run as `nobody`, whose other processes have no business with our data: it is not admitted.
"""

import os
import sys
import tempfile
from pathlib import Path

from varsel.errors import DatabaseUnavailable
from varsel.storage.embedded.placement import Placement
from varsel.storage.embedded.programs import Account

if sys.platform != "win32":
    import pwd

_HBA = "postgres.hba.conf"
_IDENT = "postgres.ident.conf"
_EVERY_ROLE = 16
"""Major version from which a map may admit a user as any role."""


def restrict(placement: Placement, *, major: int, role: str) -> dict[str, str]:
    """Write who may connect, and return the server's settings that say so. A change holds from the next start on."""
    roles = "all" if major >= _EVERY_ROLE else role
    hba = ["local all all peer map=varsel", "local replication all peer map=varsel"]
    ident = [f'varsel "{user}" {roles}' for user in _admitted(placement.account)]
    return {
        "hba_file": str(_written(placement.home / _HBA, hba)),
        "ident_file": str(_written(placement.home / _IDENT, ident)),
    }


def _admitted(server: Account | None) -> list[str]:
    """Return the users whose processes may connect: root, who starts the server, and who owns it unless it is nobody.

    Root reads everything on this system as it is.
    """
    owner = {server.uid} if server is not None and server != Account.unprivileged() else set()
    try:
        return sorted(pwd.getpwuid(uid).pw_name for uid in {0, os.geteuid()} | owner)
    except KeyError as unknown:
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL admits users by name, and this system has no name for one ({unknown.args[0]}). "
            "Give the user a name, or set VARSEL_DATABASE_URL to a PostgreSQL of your own."
        ) from None


def _written(path: Path, lines: list[str]) -> Path:
    """Write a file as a whole; whatever lies under its name, a link too, is replaced and not written to."""
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(["# Written by Varsel at each start of the server.", *lines, ""]))
        os.fchmod(descriptor, 0o644)  # the server's user must be able to read it; it holds no secret
    return Path(unfinished).replace(path)
