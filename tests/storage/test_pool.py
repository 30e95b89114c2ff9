"""Connections: what they promise the server, what they do not depend on, and what a reader of their errors learns."""

import asyncio

import asyncpg
import pytest

from tests.conftest import url_of
from varsel.errors import DatabaseUnavailable
from varsel.storage.pool import Pool, open_pool


async def settings_of(pool: Pool) -> dict[str, str]:
    names = ["application_name", "TimeZone", "jit", "statement_timeout", "idle_in_transaction_session_timeout"]
    rows = await pool.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", names)
    return {row["name"]: row["setting"] for row in rows}


async def test_a_connection_says_who_it_is_and_how_long_it_may_take(empty_database_url: str) -> None:
    async with await open_pool(empty_database_url, min_size=1, application_name="t", statement_timeout=1.5) as pool:
        assert await settings_of(pool) == {
            "application_name": "t",
            "TimeZone": "UTC",
            "jit": "off",
            "statement_timeout": "1500",
            "idle_in_transaction_session_timeout": "1500",
        }


async def test_a_statement_that_takes_too_long_is_ended(empty_database_url: str) -> None:
    async with await open_pool(empty_database_url, min_size=1, statement_timeout=0.05) as pool:
        with pytest.raises(asyncpg.QueryCanceledError):
            await pool.execute("SELECT pg_sleep(30)")


async def test_giving_a_connection_back_sends_nothing(pool: Pool) -> None:
    async with pool.acquire() as connection:
        process = await connection.fetchval("SELECT pg_backend_pid()")
    async with pool.acquire() as other, pool.acquire() as another:
        watcher = other if other.get_server_pid() != process else another
        last = await watcher.fetchval("SELECT query FROM pg_stat_activity WHERE pid = $1", process)
    assert last == "SELECT pg_backend_pid()"


async def test_a_transaction_left_open_does_not_reach_the_next_user(empty_database_url: str) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)  # noqa: ARG005 - asyncpg complains to it
    async with await open_pool(empty_database_url, min_size=1, max_size=1) as pool:
        async with pool.acquire() as connection:
            await connection.execute("BEGIN; CREATE TABLE left_open ()")
        async with pool.acquire() as connection:
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SELECT to_regclass('left_open')") is None


async def test_behind_a_transaction_pooler_nothing_is_left_in_the_session(empty_database_url: str) -> None:
    query = "SELECT count(*) FROM pg_prepared_statements WHERE length(name) >= $1"
    async with await open_pool(empty_database_url, min_size=1, max_size=1, transaction_pooler=True) as pool:
        assert [await pool.fetchval(query, 1) for _ in range(2)] == [0, 0]
        settings = await settings_of(pool)
    assert (settings["statement_timeout"], settings["jit"]) == ("0", "off")
    async with await open_pool(empty_database_url, min_size=1, max_size=1) as pool:
        assert [await pool.fetchval(query, 1) for _ in range(2)] == [1, 1]


async def test_a_database_that_does_not_come_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1/orders .*VARSEL_DATABASE_URL") as caught:
        await open_pool("postgresql://someone:s3cret@127.0.0.1:1/orders", patience=0.1)
    assert "s3cret" not in str(caught.value)


async def test_a_database_that_does_not_exist_is_refused_at_once(database_server: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=r'"nowhere" does not exist.*must exist'):
        await open_pool(url_of(database_server, "nowhere"), patience=3600)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://someone:s3/cret@127.0.0.1:1/orders",
        "postgresql://someone:1/s3cret@127.0.0.1/orders",
        "postgresql://someone:s3#cret@127.0.0.1:1/orders",
        "mysql://someone:s3cret@127.0.0.1:1/orders",
    ],
)
async def test_a_malformed_url_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="VARSEL_DATABASE_URL") as caught:
        await open_pool(url, patience=0)
    assert "cret" not in str(caught.value)
