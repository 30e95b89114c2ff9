"""Connections that notice when their other end has vanished, and pools that retire those which are of no more use.

asyncpg leaves three things open. It sets no limits on TCP, so a peer that vanished without a word is waited for until
the system gives up, which takes minutes. After a time-out it asks the same silent server to cancel, and waits for that
as long again. And it keeps a connection that says it is read-only.
"""

import asyncio
import logging
import socket
from asyncio import BaseTransport
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy
from asyncpg.transaction import Transaction

from varsel.storage.outages import taints_connection

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    _Plain: TypeAlias = asyncpg.Connection[asyncpg.Record]
    _Proxy: TypeAlias = PoolConnectionProxy[asyncpg.Record]
    _AcquireContext: TypeAlias = PoolAcquireContext[asyncpg.Record]
else:  # asyncpg's own classes are generic only in their type stubs
    Pool: TypeAlias = asyncpg.Pool
    Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy
    _Plain = asyncpg.Connection
    _Proxy = PoolConnectionProxy
    _AcquireContext = PoolAcquireContext

_log = logging.getLogger(__name__)

SILENCE: Final = 8
"""Seconds after which a peer counts as gone that acknowledges nothing, whether we sent something or wait for it."""
_KEEPALIVE: Final = {"TCP_KEEPIDLE": 4, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 2, "TCP_USER_TIMEOUT": SILENCE * 1000}
"""Linux has all of them; where one is missing, the time-out of each statement still holds."""
_BETWEEN_EXPIRIES: Final = 1.0
"""Seconds between two replacements of all connections, so that a lasting outage is not a storm of log-ins."""

_CANCELLATION: Final = 2.0
"""Seconds within which a server must acknowledge that it has cancelled a statement nobody waits for any more."""


def watch_peer(connection: _Plain) -> None:
    """Let the system close `connection` within some `SILENCE` seconds when its other end has vanished."""
    # asyncpg hands out neither the transport nor its socket
    transport: BaseTransport = connection._transport  # type: ignore[attr-defined]
    peer: socket.socket | None = transport.get_extra_info("socket")
    if peer is None or peer.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class VarselConnection(_Plain):
    """A connection whose transactions end at once when the server is silent."""

    def transaction(self, *, isolation: Any = None, readonly: bool = False, deferrable: bool = False) -> Transaction:
        """Return a transaction, to be used as a context."""
        return _Transaction(self, isolation, readonly, deferrable)


def bounded_transactions(seconds: float) -> type[VarselConnection]:
    """Return a class of connections that bound each transaction themselves.

    A transaction-mode pooler passes no settings on when it connects, so each transaction brings them along. Without
    them a process that is frozen between two statements would hold its locks without limit.
    """
    limit = round(seconds * 1000)

    bounds = f" SET LOCAL idle_in_transaction_session_timeout = {limit}; SET LOCAL statement_timeout = {limit};"

    class BoundedConnection(VarselConnection):
        async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:
            if query.startswith("BEGIN") and not args:
                query += bounds  # one round trip for both
            return await super().execute(query, *args, timeout=timeout)

    return BoundedConnection


class _Transaction(Transaction):
    """A transaction that sends no ROLLBACK where nobody answers, and so leaves the error that says why."""

    def __init__(self, connection: _Plain, isolation: Any, readonly: bool, deferrable: bool) -> None:
        super().__init__(connection, isolation, readonly, deferrable)
        self._is_closed = connection.is_closed

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        silent = isinstance(error, TimeoutError)  # the pool closes the connection next
        if not silent and not (error is not None and self._is_closed()):
            await super().__aexit__(kind, error, trace)


class RetiringPool(Pool):
    """A pool that waits for a connection no longer than `patience` seconds, and retires those that are of no more use.

    When a connection proves read-only or silent, the others were probably made to the same server: each is replaced
    when it is next used.
    """

    def __init__(self, *arguments: Any, patience: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._patience = patience
        self._expired = float("-inf")
        self.lent = 0
        """Connections in use, or about to be."""

    def acquire(self, *, timeout: float | None = None) -> "_Acquired":
        """Lend a connection for the time of a block; raises `TimeoutError` when there is none in time."""
        return _Acquired(self, self._patience if timeout is None else timeout)

    async def retire(self, connection: _Proxy, reason: BaseException) -> None:
        """Close `connection` at once and replace the others when they are next used."""
        connection.terminate()
        if monotonic() - self._expired >= _BETWEEN_EXPIRIES:
            self._expired = monotonic()
            _log.warning("database connections are replaced after %s", type(reason).__name__)
            await self.expire_connections()


class _Acquired(_AcquireContext):
    """A connection lent for the time of a block."""

    __slots__ = ("_lender", "_patience")

    def __init__(self, lender: RetiringPool, patience: float) -> None:
        super().__init__(lender, None)
        self._lender = lender
        self._patience = patience

    async def __aenter__(self) -> _Proxy:
        self._lender.lent += 1
        try:
            if self._lender.lent <= self._lender.get_max_size():
                return await super().__aenter__()  # nobody to wait for, and connecting has a time-out of its own
            # The limit is kept here: handed to asyncpg, it would cost a task for each connection lent (Python 3.11).
            async with asyncio.timeout(self._patience):
                return await super().__aenter__()
        except BaseException:
            self._lender.lent -= 1
            raise

    async def __aexit__(self, *exc: object) -> None:
        self._lender.lent -= 1
        error = exc[1] if len(exc) > 1 else None
        if isinstance(error, BaseException) and self.connection is not None:
            if taints_connection(error):
                await self._lender.retire(self.connection, error)
            elif isinstance(error, asyncio.CancelledError):
                await self._release_cancelled()
                return
        await super().__aexit__(*exc)

    async def _release_cancelled(self) -> None:
        """Give back a connection whose statement was cancelled; asyncpg closes it when the server does not answer."""
        self.done = True
        lent, self.connection = self.connection, None
        if lent is not None:
            with suppress(TimeoutError):
                await self._lender.release(lent, timeout=_CANCELLATION)
