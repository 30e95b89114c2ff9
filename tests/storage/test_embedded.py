"""The embedded PostgreSQL: one server for all who use a directory, whoever starts, stops or is killed."""

import asyncio
import os
import shutil
import signal
import subprocess
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from tests.support.embedded_server import CONNECTION_LOST, answers, execute, fetch, kept, pid_file, pid_in
from tests.support.postgres_user import PostgresUser
from varsel.errors import DatabaseUnavailable
from varsel.storage.embedded import EmbeddedPostgres
from varsel.storage.pool import open_pool

# --- starting and stopping


def test_what_was_written_is_there_after_stop_and_start(empty_dir: Path) -> None:
    with EmbeddedPostgres(empty_dir / "new" / "var") as url:
        asyncio.run(execute(url, "CREATE TABLE kept AS SELECT 7 AS n"))
    assert not answers(url)
    with EmbeddedPostgres(empty_dir / "new" / "var") as url:
        assert asyncio.run(kept(url)) == {7}
    assert not answers(url)


def test_the_database_is_safe_and_sorts_by_code_point(data_dir: Path) -> None:
    settings = "SELECT name, setting FROM pg_settings WHERE name = ANY($1)"
    expected = {"fsync": "on", "synchronous_commit": "on", "data_checksums": "on", "server_encoding": "UTF8"}
    expected |= {"listen_addresses": "", "log_error_verbosity": "terse", "jit": "off", "max_connections": "200"}
    with EmbeddedPostgres(data_dir) as url:
        assert dict(asyncio.run(fetch(url, settings, list(expected)))) == expected
        assert asyncio.run(fetch(url, "SELECT lower('Å') = 'å' AND 'Z' < 'a'")) == [(True,)]


def test_settings_reach_the_server(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, settings={"fsync": "off"}) as url:
        assert asyncio.run(fetch(url, "SHOW fsync")) == [("off",)]


def test_stop_without_start_does_nothing(empty_dir: Path) -> None:
    EmbeddedPostgres(empty_dir).stop()
    assert list(empty_dir.iterdir()) == []


def test_a_failed_start_shows_the_log_and_leaves_nothing_behind(data_dir: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"(?s)invalid value.*wal_level.*VARSEL_DATABASE_URL"):
        EmbeddedPostgres(data_dir, settings={"wal_level": "nonsense"}).start()
    assert not pid_file(data_dir).exists()
    with EmbeddedPostgres(data_dir) as url:
        assert answers(url)


def test_an_interrupted_creation_is_begun_again(empty_dir: Path) -> None:
    unfinished = empty_dir / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")
    with EmbeddedPostgres(empty_dir) as url:
        assert answers(url)
    assert not unfinished.exists()


def test_a_cluster_of_an_unknown_version_is_refused(empty_dir: Path) -> None:
    cluster = empty_dir / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(DatabaseUnavailable, match=r"made by PostgreSQL 9.*dump"):
        EmbeddedPostgres(empty_dir).start()


async def test_a_pool_waits_for_the_server_to_start(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    url = server.start()
    server.stop()
    opening = asyncio.create_task(open_pool(url, min_size=1))
    await asyncio.to_thread(server.start)
    try:
        pool = await opening
        assert await pool.fetchval("SELECT 1") == 1
        await pool.close()
    finally:
        server.stop()


# --- sharing


def test_a_second_process_shares_the_server_and_the_last_one_stops_it(data_dir: Path) -> None:
    first = PostgresUser(data_dir)
    url = first.url()
    server = pid_in(pid_file(data_dir))
    second = PostgresUser(data_dir)
    assert second.url() == url
    assert pid_in(pid_file(data_dir)) == server
    first.leave()
    assert answers(url)
    second.leave()
    assert not answers(url)
    assert not pid_file(data_dir).exists()


def test_two_users_in_one_process_count_as_two(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as url:
        with EmbeddedPostgres(data_dir) as same:
            assert same == url
        assert answers(url)
    assert not answers(url)


def test_processes_starting_at_the_same_moment_share_one_server(empty_dir: Path) -> None:
    users = [PostgresUser(empty_dir) for _ in range(4)]
    urls = {user.url() for user in users}
    assert len(urls) == 1
    servers = fetch(urls.pop(), "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
    assert len(asyncio.run(servers)) == 1
    for user in users:
        user.leave()
    assert not pid_file(empty_dir).exists()


# --- being killed


def test_the_server_outlives_a_killed_starter_and_is_stopped_by_the_next(data_dir: Path) -> None:
    starter = PostgresUser(data_dir)
    url = starter.url()
    server = pid_in(pid_file(data_dir))
    starter.kill()
    with EmbeddedPostgres(data_dir) as same:
        assert same == url
        assert pid_in(pid_file(data_dir)) == server
    assert not answers(url)


async def test_no_acknowledged_row_is_lost_when_everything_is_killed(data_dir: Path) -> None:
    user = PostgresUser(data_dir)
    url = user.url()
    processes = await fetch(url, "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    acknowledged: set[int] = set()
    busy = asyncio.Event()
    writer = asyncio.create_task(_write(url, acknowledged, busy))
    await busy.wait()
    user.kill()
    for pid in (pid_in(pid_file(data_dir)), *(row[0] for row in processes)):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(CONNECTION_LOST):
        await writer
    assert pid_file(data_dir).exists()
    with EmbeddedPostgres(data_dir) as again:
        assert await kept(again) >= acknowledged


async def test_a_killed_server_is_replaced_while_its_processes_still_end(data_dir: Path) -> None:
    user = PostgresUser(data_dir)
    url = user.url()
    busy = asyncio.create_task(execute(url, "DO $$ BEGIN FOR i IN 1..30000000 LOOP END LOOP; END $$"))
    await _until_one_is_busy(url)
    user.kill()
    os.kill(pid_in(pid_file(data_dir)), signal.SIGKILL)
    with EmbeddedPostgres(data_dir) as again:
        assert await fetch(again, "SELECT 1") == [(1,)]
    await asyncio.wait([busy])
    assert busy.exception() is not None


def test_a_server_that_died_is_revived_with_what_it_had(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    url = server.start()
    try:
        asyncio.run(execute(url, "INSERT INTO kept VALUES (7)"))
        assert not server.revive()
        kill_server(data_dir, url)
        assert server.revive()
        assert asyncio.run(kept(url)) == {7}
        assert not server.revive()
    finally:
        server.stop()
    assert not server.revive()
    assert not answers(url)


def test_a_cluster_that_is_gone_is_not_replaced_by_an_empty_one(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    url = server.start()
    kill_server(data_dir, url)
    shutil.rmtree(data_dir / "postgres")
    with pytest.raises(DatabaseUnavailable):
        server.revive()
    assert not (data_dir / "postgres").exists()
    server.stop()


def test_a_process_number_taken_over_by_another_program_is_no_hindrance(data_dir: Path) -> None:
    user = PostgresUser(data_dir)
    user.url()
    lines = pid_file(data_dir).read_text().splitlines(keepends=True)
    user.leave()
    owner = pid_file(data_dir).parent.stat()
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, user=owner.st_uid, group=owner.st_gid) as bystander:
        pid_file(data_dir).write_text("".join([f"{bystander.pid}\n", *lines[1:]]))
        os.chown(pid_file(data_dir), owner.st_uid, owner.st_gid)
        with EmbeddedPostgres(data_dir) as url:
            assert answers(url)
        assert bystander.poll() is None
        bystander.communicate()


# --- what the tests say it with


def kill_server(data_dir: Path, url: str) -> None:
    """Kill the server and return when it no longer answers."""
    os.kill(pid_in(pid_file(data_dir)), signal.SIGKILL)
    while answers(url):
        pass


async def _write(url: str, acknowledged: set[int], busy: asyncio.Event) -> None:
    connection = await asyncpg.connect(url)
    for n in count():
        await connection.execute("INSERT INTO kept VALUES ($1)", n)
        acknowledged.add(n)
        if n == 200:
            busy.set()


async def _until_one_is_busy(url: str) -> None:
    others = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %' AND pid <> pg_backend_pid()"
    async with asyncio.timeout(30):
        while not await fetch(url, others):
            pass
