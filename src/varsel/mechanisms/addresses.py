"""Which of a server's addresses to dial: those that failed lately come last (RFC 5321 section 5.1, RFC 8305)."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

Address = TypeVar("Address", bound=Hashable)
Connection = TypeVar("Connection")

STAGGER: Final = 0.25
"""Seconds after which the next address is tried beside one that does not answer (RFC 8305 section 5)."""


class AddressMemory(Generic[Address]):
    """Remembers which addresses failed, each for `seconds`, `most` of them at once. Times are of any one clock."""

    def __init__(self, *, seconds: float = 300.0, most: int = 1000) -> None:
        self._seconds = seconds
        self._most = most
        self._failed = dict[Address, float]()
        """By address, when it failed last; the latest failure is the last entry."""

    def ordered(self, addresses: Sequence[Address], now: float) -> list[Address]:
        """Return `addresses` as they came, but after all others those that failed, longest ago first."""
        return sorted(addresses, key=lambda address: self._remembered(address, now))

    def failed(self, address: Address, now: float) -> None:
        """Note that `address` did not do its work."""
        self._failed.pop(address, None)
        self._failed[address] = now
        if len(self._failed) > self._most:
            del self._failed[next(iter(self._failed))]

    def worked(self, address: Address) -> None:
        """Note that `address` did its work."""
        self._failed.pop(address, None)

    def _remembered(self, address: Address, now: float) -> float:
        """Return when `address` failed, as far as that still counts."""
        at = self._failed.get(address)
        return float("-inf") if at is None or now - at >= self._seconds else at


async def connect_first(
    addresses: Sequence[Address],
    connect: Callable[[Address], Awaitable[Connection]],
    *,
    each: float,
    close: Callable[[Connection], object],
    failed: Callable[[Address], object],
    stagger: float = STAGGER,
) -> tuple[Address, Connection]:
    """Dial `addresses` in order and return the first that connects, with its connection.

    The next address is tried when the one before it fails, or beside it after `stagger` seconds; every one has `each`
    seconds. Those that failed, or were overtaken, are told to `failed`; connections that come too late are closed by
    `close`. Raises the last failure, an OSError or TimeoutError, when none connects.
    """
    attempts = dict[asyncio.Task[Connection], Address]()
    waiting = list(addresses)
    failure: OSError = OSError("there is no address to connect to")
    try:
        while waiting or attempts:
            if waiting:
                address = waiting.pop(0)
                attempts[asyncio.create_task(_within(each, connect, address))] = address
            patience = stagger if waiting else None
            done, _ = await asyncio.wait(attempts, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in attempts if task in done]:
                error = task.exception()
                if error is None:
                    return _first(attempts, task, failed)
                if not isinstance(error, OSError):  # a TimeoutError is one
                    raise error
                failed(attempts.pop(task))
                failure = error
        raise failure
    finally:
        await _abandon(attempts, close)


async def _within(seconds: float, connect: Callable[[Address], Awaitable[Connection]], address: Address) -> Connection:
    async with asyncio.timeout(seconds):
        return await connect(address)


def _first(
    attempts: dict[asyncio.Task[Connection], Address],
    winner: asyncio.Task[Connection],
    failed: Callable[[Address], object],
) -> tuple[Address, Connection]:
    """Take the winner out of `attempts`; what was begun before it has been overtaken."""
    for task, overtaken in attempts.items():
        if task is winner:
            break
        failed(overtaken)
    return attempts.pop(winner), winner.result()


async def _abandon(attempts: dict[asyncio.Task[Connection], Address], close: Callable[[Connection], object]) -> None:
    for task in attempts:
        task.cancel()
    if attempts:
        await asyncio.wait(attempts)
    for task in attempts:
        if not task.cancelled() and task.exception() is None:
            close(task.result())
