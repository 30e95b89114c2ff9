"""Which failures mean that the database is away for now, and the same work may succeed later."""

from typing import Final

import asyncpg

from varsel.errors import DatabaseUnavailable

READ_ONLY: Final = "25006"
"""SQLSTATE of a write that a read-only server or session refuses: a standby, or a primary that became one."""

# Classes and codes of SQLSTATE (PostgreSQL's documentation, appendix A).
_CLASSES: Final = frozenset(
    {
        "08",  # connection exception; poolers report a server they cannot reach with it
        "28",  # invalid authorization: a password that is being changed, a role that may not log in for now
        "53",  # insufficient resources: a full disk, no connection left
        "57",  # operator intervention: shutdown, start, recovery, a statement that took too long
        "58",  # system error: the disk
    }
)
_CODES: Final = frozenset(
    {
        READ_ONLY,
        "25P03",  # idle in a transaction for too long; the server closed the connection
        "25P04",  # the same for a transaction that took too long (PostgreSQL 17)
    }
)
_OTHERS: Final = (
    OSError,  # refused, unreachable, reset; a time-out is one too
    DatabaseUnavailable,  # a new connection was refused
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg sometimes raises when a connection breaks under a statement
)


def is_outage(error: BaseException) -> bool:
    """Whether a statement failed because the database is away or takes no writes, and may succeed later."""
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        return code[:2] in _CLASSES or code in _CODES
    # asyncpg counts values it cannot encode among its interface errors; those are as wrong the next time.
    return isinstance(error, _OTHERS) and not isinstance(error, asyncpg.DataError)


def taints_connection(error: object) -> bool:
    """Whether a connection on which this was raised must not be used again.

    A session that started read-only may stay so after the server takes writes again. After a time-out nobody knows
    whether the other end is still there, and after an error of its own asyncpg does not know what it has read.
    """
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate == READ_ONLY
    return isinstance(error, (TimeoutError, asyncpg.InternalClientError))
