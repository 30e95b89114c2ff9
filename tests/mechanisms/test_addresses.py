"""Addresses: the first that connects is used, each has its own time, and those that failed come last."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.smtp_sending import until
from varsel.mechanisms.addresses import AddressMemory, connect_first

LONG = 60.0
"""Seconds that no test here waits for."""

names = st.lists(st.sampled_from("abcdef"), unique=True)


@settings(deadline=None)
@given(names, st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans())))
def test_who_failed_comes_after_all_others_and_nobody_is_lost(order: list[str], events: list[tuple[str, bool]]) -> None:
    memory = AddressMemory[str]()
    failed = dict[str, int]()
    for now, (name, worked) in enumerate(events):
        if worked:
            memory.worked(name)
            failed.pop(name, None)
        else:
            memory.failed(name, now)
            failed[name] = now
    ordered = memory.ordered(order, len(events))
    well = [name for name in order if name not in failed]
    assert ordered == well + sorted((name for name in order if name in failed), key=failed.__getitem__)


def test_a_failure_is_forgotten_after_its_time() -> None:
    memory = AddressMemory[str](seconds=300)
    memory.failed("a", 0)
    assert memory.ordered("ab", 299) == ["b", "a"]
    assert memory.ordered("ab", 300) == ["a", "b"]


def test_only_so_many_failures_are_remembered() -> None:
    memory = AddressMemory[int](most=3)
    for number in range(5):
        memory.failed(number, number)
    assert memory.ordered(range(6), 5) == [0, 1, 5, 2, 3, 4]


# --- connecting


class Network:
    """What each address does when it is dialled: it connects, fails, or stays silent."""

    def __init__(self, **does: str) -> None:
        self._does = does
        self.dialled: list[str] = []
        self.closed: list[str] = []
        self.failed: list[str] = []
        self.release = asyncio.Event()

    async def dial(self, address: str) -> str:
        self.dialled.append(address)
        match self._does[address]:
            case "fails":
                raise ConnectionRefusedError(address)
            case "silent":
                await asyncio.Event().wait()
        return f"connection to {address}"

    def connect(self, *, each: float = LONG, stagger: float = 0.001) -> Awaitable[tuple[str, str]]:
        order = list(self._does)
        return connect_first(
            order, self.dial, each=each, close=self.closed.append, failed=self.failed.append, stagger=stagger
        )


async def test_the_first_address_that_works_is_used_alone() -> None:
    network = Network(a="connects", b="connects")
    assert await network.connect(stagger=LONG) == ("a", "connection to a")
    assert network.dialled == ["a"]


async def test_a_silent_address_is_overtaken_and_counts_as_failed() -> None:
    network = Network(a="silent", b="silent", c="connects", d="connects")
    assert await network.connect() == ("c", "connection to c")
    assert network.dialled == ["a", "b", "c"]
    assert network.failed == ["a", "b"]


async def test_a_refusal_lets_the_next_one_begin_at_once() -> None:
    network = Network(a="fails", b="connects")
    assert await network.connect(stagger=LONG) == ("b", "connection to b")
    assert network.failed == ["a"]


async def test_each_address_has_its_own_time() -> None:
    network = Network(a="silent", b="silent")
    with pytest.raises(TimeoutError):
        await network.connect(each=0.01)
    assert network.failed == ["a", "b"]


async def test_the_last_failure_is_told_when_none_connects() -> None:
    network = Network(a="fails", b="fails")
    with pytest.raises(ConnectionRefusedError, match="b"):
        await network.connect(stagger=LONG)


async def test_without_an_address_that_is_said() -> None:
    with pytest.raises(OSError, match="no address"):
        await Network().connect()


async def test_a_fault_of_our_own_is_no_failure_of_the_address() -> None:
    async def broken(_: str) -> str:
        raise KeyError

    with pytest.raises(KeyError):
        await connect_first(["a", "b"], broken, each=LONG, close=_ignore, failed=_ignore)


async def test_of_two_that_connect_at_once_the_later_one_is_closed() -> None:
    network = Network(a="connects", b="connects")
    begun = asyncio.Event()
    dial: Callable[[str], Awaitable[str]] = network.dial

    async def together(address: str) -> str:
        if address == "a":
            await begun.wait()
        begun.set()
        return await dial(address)

    address, connection = await connect_first(
        ["a", "b"], together, each=LONG, close=network.closed.append, failed=_ignore, stagger=0.001
    )
    assert (address, connection) in {("a", "connection to a"), ("b", "connection to b")}
    assert {connection, *network.closed} <= {"connection to a", "connection to b"}


async def test_who_stops_waiting_leaves_no_attempt_behind() -> None:
    network = Network(a="silent")
    connecting = asyncio.ensure_future(network.connect())
    await until(lambda: bool(network.dialled))
    connecting.cancel()
    await asyncio.wait([connecting])
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


def _ignore(_: object) -> None:
    pass
