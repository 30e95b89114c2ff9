"""Connections to PostgreSQL.

Nothing here, and nothing that uses it, may depend on session state: no session-level `SET`, advisory lock, `LISTEN` or
temporary table outlives a transaction. That is what lets the pool skip the round trip that cleans a returned connection
(a sixth of the cost of a small commit), and what lets a transaction-mode pooler stand between Varsel and PostgreSQL.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from varsel.errors import DatabaseUnavailable
from varsel.storage.connections import (
    Connection,
    Pool,
    RetiringPool,
    VarselConnection,
    bounded_transactions,
    watch_peer,
)

__all__ = ["Connection", "Pool", "open_pool"]

_log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

_PASSING_FAILURES = (
    OSError,  # refused, unreachable, unknown host, time-out: the database may still be starting
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ConnectionDoesNotExistError,
)


async def open_pool(
    dsn: str,
    *,
    min_size: int = 2,
    max_size: int = 20,
    application_name: str = "varsel",
    statement_cache_size: int = 256,
    transaction_pooler: bool = False,
    statement_timeout: float = 30.0,
    command_timeout: float = 35.0,
    connect_timeout: float = 10.0,
    acquire_timeout: float = 10.0,
    patience: float = 30.0,
) -> Pool:
    """Open a pool on `dsn`, waiting up to `patience` seconds for a database that is not there yet.

    `statement_timeout` (seconds) is kept by the server, also for a transaction left idle; `command_timeout` (seconds)
    by the client, for a server that no longer answers; `acquire_timeout` (seconds) bounds the wait for a connection.
    Behind a transaction-mode pooler (`transaction_pooler`) statements are not cached and only settings such poolers
    pass on are sent; transactions bring their time-outs along, and single statements get theirs with `ALTER ROLE`.

    Raises `DatabaseUnavailable` when the database cannot be reached in time, or refuses Varsel at once. Once the pool
    is open, whoever needs a connection gets that error when a new one is refused.
    """
    where = _where(dsn)

    async def connect(*arguments: Any, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":
        return await _connect(where, *arguments, **options)

    async def open_all() -> Pool:
        return await RetiringPool(
            dsn,
            patience=acquire_timeout,
            min_size=min_size,
            max_size=max_size,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            loop=None,
            connect=connect,
            connection_class=bounded_transactions(statement_timeout) if transaction_pooler else VarselConnection,
            record_class=asyncpg.Record,
            reset=_leave_as_it_is,
            timeout=connect_timeout,
            command_timeout=command_timeout,
            statement_cache_size=0 if transaction_pooler else statement_cache_size,
            server_settings=_server_settings(application_name, None if transaction_pooler else statement_timeout),
        )

    return await _patiently(open_all, where, patience)


async def _connect(where: str, *arguments: Any, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":
    """Make one connection; whatever the server refuses it for, a later try may succeed: log-ins are allowed again."""
    try:
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(*arguments, **options)
    except _PASSING_FAILURES:
        raise
    except asyncpg.PostgresError as refusal:
        raise _refused(where, refusal) from refusal
    watch_peer(connection)
    return connection


async def _leave_as_it_is(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Hand a connection back without a round trip; an open transaction has been rolled back by asyncpg before."""


def _server_settings(application_name: str, statement_timeout: float | None) -> dict[str, str]:
    settings = {"application_name": application_name, "TimeZone": "UTC"}
    if statement_timeout is not None:
        milliseconds = str(round(statement_timeout * 1000))
        settings |= {
            "jit": "off",
            # Every statement is written for an index and few rows. A plan made while the tables were small would
            # otherwise scan them whole until the next ANALYZE, by when a large order is long through.
            "enable_seqscan": "off",
            "enable_hashjoin": "off",
            "enable_mergejoin": "off",
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
        }
    return settings


async def _patiently(connect: Callable[[], Awaitable[Pool]], where: str, patience: float) -> Pool:
    deadline = monotonic() + patience
    pause = _FIRST_PAUSE
    while True:
        try:
            return await connect()
        except _PASSING_FAILURES as failure:
            if monotonic() + pause > deadline:
                raise _unreachable(where, failure, patience) from failure
            _log.info("waiting for PostgreSQL at %s (%s)", where, type(failure).__name__)
        except (ValueError, asyncpg.InterfaceError):
            # The cause is left out: texts about a malformed URL may quote its password.
            raise _malformed(where) from None
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _unreachable(where: str, failure: BaseException, patience: float) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"PostgreSQL at {where} could not be reached within {patience:g} s ({type(failure).__name__}: {failure}). "
        "Check that it runs, that its address in VARSEL_DATABASE_URL is right, and that it has connections left."
    )


def _refused(where: str, refusal: asyncpg.PostgresError) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"PostgreSQL at {where} refused the connection: {refusal}. "
        "Check user, password and database name in VARSEL_DATABASE_URL; the database itself must exist. "
        "Behind a transaction-mode pooler, say so in the settings."
    )


def _malformed(where: str) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"VARSEL_DATABASE_URL (for {where}) cannot be used. It should look like "
        "postgresql://user:password@host:5432/database, with special characters in the password percent-encoded."
    )


def _where(dsn: str) -> str:
    """Name host and database of `dsn` for a log or error text, without user and password."""
    try:
        parts = urlsplit(dsn)
        host = parts.hostname or parse_qs(parts.query).get("host", ["an unnamed host"])[-1]
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an unreadable address"
    if "@" in parts.path + parts.query + parts.fragment:  # a password with an unencoded "/", "?" or "#" was cut in two
        return "an unreadable address"
    return f"{host}{port}{parts.path}"
