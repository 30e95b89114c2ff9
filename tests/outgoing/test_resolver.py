"""Looking names up: slow name servers cost their own names only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address

import pytest

from tests.support.resolvers import SlowNameServers
from tests.support.until import until
from varsel.errors import NameNotLookedUp
from varsel.outgoing.resolver import LookUpLimits, SystemResolver

_HERE = (ip_address("127.0.0.1"),)
_TINY = timedelta(milliseconds=50)


@asynccontextmanager
async def resolving(servers: SlowNameServers, limits: LookUpLimits) -> AsyncIterator[SystemResolver]:
    resolver = SystemResolver(limits, servers)
    try:
        yield resolver
    finally:
        resolver.close()
        servers.release()


async def are_asked(servers: SlowNameServers, count: int) -> None:
    """Return when so many look-ups have their thread."""

    async def enough() -> bool:
        return len(servers.asked) >= count

    await until(enough)


async def test_a_slow_domain_keeps_no_other_from_being_looked_up() -> None:
    servers = SlowNameServers("slow.example")
    async with resolving(servers, LookUpLimits(total=3, per_domain=2)) as resolver:
        held = [asyncio.create_task(resolver.addresses(f"{number}.slow.example")) for number in range(6)]
        await are_asked(servers, 2)
        for number in range(20):
            assert await resolver.addresses(f"{number}.quick.example") == _HERE
        assert sum(name.endswith("slow.example") for name in servers.asked) == 2
        servers.release()
        assert await asyncio.gather(*held) == [_HERE] * 6


async def test_a_name_is_looked_up_once_however_many_ask() -> None:
    servers = SlowNameServers("slow.example")
    async with resolving(servers, LookUpLimits(total=1)) as resolver:
        held = [asyncio.create_task(resolver.addresses("a.slow.example")) for _ in range(50)]
        await are_asked(servers, 1)
        held.pop().cancel()
        servers.release()
        assert await asyncio.gather(*held) == [_HERE] * 49
        assert servers.asked == ["a.slow.example"]
        await resolver.addresses("a.slow.example")
        assert servers.asked == ["a.slow.example"] * 2, "an answer is for those who asked, not for later"


async def test_a_late_answer_is_a_failure_and_its_look_up_is_joined_not_repeated() -> None:
    servers = SlowNameServers("slow.example")
    async with resolving(servers, LookUpLimits(within=_TINY)) as resolver:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await resolver.addresses("a.slow.example")
        assert servers.asked == ["a.slow.example"]


async def test_waiting_for_a_thread_is_no_fault_of_the_host() -> None:
    servers = SlowNameServers("slow.example")
    limits = LookUpLimits(total=1, patience=timedelta(seconds=5), within=timedelta(seconds=5))
    async with resolving(servers, limits) as resolver:
        slow = asyncio.create_task(resolver.addresses("a.slow.example"))
        await are_asked(servers, 1)
        innocent = asyncio.create_task(resolver.addresses("a.quick.example"))
        await asyncio.sleep(0)  # lets it begin to wait
        servers.release()
        assert list(await asyncio.gather(slow, innocent)) == [_HERE] * 2


@pytest.mark.parametrize("name", ["b.slow.example", "a.quick.example"])
async def test_when_no_thread_comes_free_the_name_was_not_looked_up(name: str) -> None:
    servers = SlowNameServers("slow.example")
    async with resolving(servers, LookUpLimits(total=1, per_domain=1, patience=_TINY)) as resolver:
        slow = asyncio.create_task(resolver.addresses("a.slow.example"))
        await are_asked(servers, 1)
        with pytest.raises(NameNotLookedUp):
            await resolver.addresses(name)
        servers.release()
        assert await slow == _HERE


async def test_names_that_do_not_exist_fail_for_all_who_asked() -> None:
    def nobody(host: str) -> tuple[()]:
        raise OSError(f"unknown: {len(host)} letters")

    resolver = SystemResolver(look_up=nobody)
    answers = await asyncio.gather(*(resolver.addresses("a.example") for _ in range(3)), return_exceptions=True)
    resolver.close()
    assert [type(answer) for answer in answers] == [OSError] * 3


async def test_slow_name_servers_of_one_creator_leave_threads_to_others() -> None:
    servers = SlowNameServers(".slow")
    async with resolving(servers, LookUpLimits(total=8, per_domain=2)) as resolver:
        names = [f"a.{number}.slow" for number in range(20)]
        held = [asyncio.create_task(resolver.addresses(name, "hog")) for name in names]
        await are_asked(servers, 6)
        assert await resolver.addresses("quick.example", "ttd") == _HERE
        assert len(servers.asked) == 7, "three quarters of the threads, and the other creator's"
        servers.release()
        assert await asyncio.gather(*held) == [_HERE] * 20
