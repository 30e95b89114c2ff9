"""Outages other than "connection refused": what counts as one, and that everything works again afterwards."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.conftest import url_of
from tests.support.database_states import administer, closed_to_logins, make_read_only, make_writable
from tests.support.embedded_server import CONNECTION_LOST
from tests.support.severable_proxy import severable
from tests.support.until import until
from varsel.errors import DatabaseUnavailable
from varsel.storage.outages import is_outage
from varsel.storage.pool import Connection, Pool, open_pool
from varsel.storage.transactions import in_transaction, persistently

CONNECTIONS = 5
WRITE = "CREATE TABLE IF NOT EXISTS written (); INSERT INTO written DEFAULT VALUES"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("08006", True),  # connection_failure
        ("08P01", True),  # what PgBouncer answers when it has no server
        ("25006", True),  # read_only_sql_transaction
        ("25P03", True),  # idle_in_transaction_session_timeout
        ("28000", True),  # a role that may not log in
        ("28P01", True),  # a password that was changed
        ("53100", True),  # disk_full
        ("53200", True),
        ("53300", True),  # too_many_connections
        ("57014", True),  # statement_timeout
        ("57P01", True),  # admin_shutdown
        ("57P03", True),  # cannot_connect_now
        ("58030", True),  # io_error
        ("25001", False),
        ("22001", False),  # a value that is too long stays too long
        ("23505", False),
        ("42P01", False),
        ("40P01", False),  # a deadlock is tried again elsewhere
    ],
)
def test_the_states_from_which_a_database_comes_back_are_known(code: str, expected: bool) -> None:
    error = asyncpg.PostgresError.new({"C": code, "M": "told by the server"})
    assert is_outage(error) is expected


async def test_writes_work_again_when_a_read_only_server_takes_writes(database_server: str, database_url: str) -> None:
    async with opened(database_url, CONNECTIONS) as pool:
        await make_read_only(database_server, database_url, pool)
        await open_all(pool)
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError) as refused:
            await pool.execute(WRITE)
        assert is_outage(refused.value)
        await open_all(pool)
        recording = asyncio.create_task(persistently(pool, write))

        await make_writable(database_server, database_url)

        await recording
        async with together(pool) as connections:  # every connection, not only the one that was refused
            assert [await c.fetchval("SHOW transaction_read_only") for c in connections] == ["off"] * CONNECTIONS


async def test_what_is_known_is_recorded_once_logins_are_allowed_again(database_server: str, database_url: str) -> None:
    sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'varsel_shut_out'"
    async with role(database_server, "varsel_shut_out") as name, opened(as_role(database_url, name), 2) as pool:
        await administer(database_server, f"ALTER ROLE {name} NOLOGIN")
        await administer(database_server, sessions)
        await until(lambda: is_shut_out(pool))
        recording = asyncio.create_task(persistently(pool, read))
        await administer(database_server, f"ALTER ROLE {name} LOGIN")
        assert await recording == 1


async def test_a_refused_login_is_an_outage_once_the_pool_is_open(database_server: str, database_url: str) -> None:
    async with opened(database_url, 2) as pool:
        async with closed_to_logins(database_server, database_url, pool):
            with pytest.raises(DatabaseUnavailable) as refused:
                await pool.fetchval("SELECT 1")
        assert is_outage(refused.value)
        assert await pool.fetchval("SELECT 1") == 1


async def test_a_terminated_session_costs_its_statement_only(pool: Pool) -> None:
    async def end_itself(connection: Connection) -> None:
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(asyncpg.PostgresError) as ended:
        await in_transaction(pool, end_itself)
    assert is_outage(ended.value)
    await pool.execute(WRITE)


async def test_one_silent_connection_has_all_of_them_replaced(database_url: str) -> None:
    async with severable(database_url) as (proxy, url), AsyncExitStack() as stack:
        pool = await open_pool(url, min_size=1, max_size=CONNECTIONS, command_timeout=1.0)
        stack.callback(pool.terminate)
        await open_all(pool)
        proxy.sever()

        with pytest.raises(TimeoutError):
            await pool.fetchval("SELECT 1")

        async with together(pool) as connections:
            assert [await c.fetchval("SELECT 1") for c in connections] == [1] * CONNECTIONS


async def test_a_transaction_on_a_silent_connection_waits_once_not_three_times(database_url: str) -> None:
    async with severable(database_url) as (proxy, url), AsyncExitStack() as stack:
        pool = await open_pool(url, min_size=1, max_size=1, command_timeout=1.0)
        stack.callback(pool.terminate)
        accepted = proxy.accepted

        async def sever_and_ask(connection: Connection) -> None:
            proxy.sever()
            proxy.swallowing = True
            await connection.fetchval("SELECT 1")

        with pytest.raises(TimeoutError):
            await in_transaction(pool, sever_and_ask)
        assert pool.get_size() == 0
        # asyncpg's own request to cancel, and no other connection: nothing was asked of the silent server again
        assert proxy.accepted <= accepted + 1


async def test_nobody_waits_for_a_connection_without_limit(database_url: str) -> None:
    async with await open_pool(database_url, min_size=1, max_size=1, acquire_timeout=0.05) as pool, pool.acquire():
        with pytest.raises(TimeoutError) as waited:
            await pool.fetchval("SELECT 1")
        assert is_outage(waited.value)


async def test_the_system_looks_for_peers_that_vanish(database_url: str) -> None:
    wanted = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
    async with severable(database_url) as (_, url), opened(url, 1) as pool, pool.acquire() as connection:
        peer = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined] # asyncpg has no other way
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, interval, probes, silent = [peer.getsockopt(socket.IPPROTO_TCP, option) for option in wanted]
        assert idle + interval * probes <= 8
        assert silent <= 8_000  # milliseconds


# --- bounds on transactions


@pytest.mark.parametrize("pooler", [False, True], ids=["direct", "behind a pooler"])
async def test_a_frozen_holder_of_a_lock_loses_it(database_url: str, pooler: bool) -> None:
    frozen = await open_pool(database_url, min_size=1, max_size=1, statement_timeout=0.2, transaction_pooler=pooler)
    async with AsyncExitStack() as stack:
        stack.callback(frozen.terminate)
        other = await stack.enter_async_context(await open_pool(database_url, min_size=1, max_size=1))

        async def hold_and_freeze(connection: Connection) -> None:
            await connection.execute("SELECT FROM feed_position FOR UPDATE")
            await other.execute("SELECT FROM feed_position FOR UPDATE")  # waits until the holder has lost its lock
            await connection.execute("SELECT 1")

        with pytest.raises(CONNECTION_LOST) as lost:
            await in_transaction(frozen, hold_and_freeze)
        assert is_outage(lost.value)


async def test_bounds_cost_a_transaction_behind_a_pooler_no_round_trip(database_url: str) -> None:
    seen: list[str] = []
    asked = "SHOW idle_in_transaction_session_timeout"
    async with opened(database_url, 1, transaction_pooler=True) as pool, pool.acquire() as connection:
        with connection.query_logger(lambda logged: seen.append(logged.query)):
            async with connection.transaction():
                assert await connection.fetchval(asked) == "30s"
            assert await connection.fetchval(asked) == "0"
    assert len([query for query in seen if query.startswith(("BEGIN", "SET"))]) == 1


# --- what the tests say it with


@asynccontextmanager
async def opened(url: str, size: int, **options: Any) -> AsyncIterator[Pool]:
    async with await open_pool(url, min_size=1, max_size=size, **options) as pool:
        yield pool


async def write(connection: Connection) -> None:
    await connection.execute(WRITE)


async def read(connection: Connection) -> int:
    value: int = await connection.fetchval("SELECT 1")
    return value


async def is_shut_out(pool: Pool) -> bool:
    try:
        await pool.fetchval("SELECT 1")
    except DatabaseUnavailable:
        return True
    except CONNECTION_LOST:  # the connection that was just ended
        return False
    return False


@asynccontextmanager
async def together(pool: Pool) -> AsyncIterator[list[Connection]]:
    """Hold all connections of a pool at once."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(pool.acquire()) for _ in range(CONNECTIONS)]


async def open_all(pool: Pool) -> None:
    async with together(pool):
        pass


@asynccontextmanager
async def role(server: str, name: str) -> AsyncIterator[str]:
    await administer(server, f"CREATE ROLE {name} LOGIN PASSWORD 'synthetic'")
    try:
        yield name
    finally:
        await administer(server, f"DROP ROLE {name}")


def as_role(url: str, name: str) -> str:
    """Return the URL for another role."""
    scheme, rest = url.split("://", 1)
    return f"{scheme}://{name}:synthetic@{rest.split('@', 1)[1]}"


def test_urls_are_made_for_a_role() -> None:
    assert as_role(url_of("postgresql://varsel@/varsel?host=/tmp", "x"), "a") == "postgresql://a:synthetic@/x?host=/tmp"
