"""Limits on what is asked at once."""

import asyncio
from datetime import timedelta

from varsel.outgoing.turns import TurnLimits, Turns

_LONG = timedelta(seconds=5)
_TINY = timedelta(milliseconds=20)


async def test_a_busy_host_keeps_nobody_from_asking_another() -> None:
    turns = Turns(TurnLimits(total=3, per_host=1, patience=_TINY))
    assert await turns.take("slow.example.com")
    assert not await turns.take("slow.example.com")
    assert await turns.take("quick.example.com")


async def test_those_who_wait_for_a_host_hold_none_of_the_common_turns() -> None:
    turns = Turns(TurnLimits(total=2, per_host=1, patience=_LONG))
    assert await turns.take("slow.example.com")
    waiting = [asyncio.create_task(turns.take("slow.example.com")) for _ in range(2)]
    await asyncio.sleep(0)  # lets all of them begin to wait
    assert await turns.take("quick.example.com")
    turns.give_back("quick.example.com")
    for task in waiting:
        turns.give_back("slow.example.com")
        assert await task


async def test_when_many_wait_for_a_host_the_next_is_refused_at_once() -> None:
    turns = Turns(TurnLimits(total=9, per_host=2, patience=_LONG))
    assert await turns.take("slow.example.com")
    assert await turns.take("slow.example.com")
    waiting = [asyncio.create_task(turns.take("slow.example.com")) for _ in range(4)]
    await asyncio.sleep(0)  # lets all of them begin to wait
    refused = asyncio.create_task(turns.take("slow.example.com"))
    await asyncio.sleep(0)  # lets it look, which is all it needs
    assert refused.done()
    assert not refused.result()
    for task in waiting:
        turns.give_back("slow.example.com")
        assert await task


async def test_the_total_holds_over_all_hosts() -> None:
    turns = Turns(TurnLimits(total=2, per_host=2, patience=_TINY))
    assert await turns.take("a.example.com")
    assert await turns.take("b.example.com")
    assert not await turns.take("c.example.com")
    turns.give_back("a.example.com")
    assert await turns.take("c.example.com")


async def test_turns_given_up_while_waiting_are_not_lost() -> None:
    turns = Turns(TurnLimits(total=1, per_host=1, patience=_LONG))
    assert await turns.take("a.example.com")
    tasks = [asyncio.create_task(turns.take(host)) for host in ("a.example.com", "b.example.com")]
    await asyncio.sleep(0)  # lets both begin to wait: one for its host, one for the total
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    turns.give_back("a.example.com")
    for host in ("a.example.com", "b.example.com"):
        assert await turns.take(host)
        turns.give_back(host)


async def test_whoever_stops_waiting_lets_the_next_of_its_host_pass() -> None:
    turns = Turns(TurnLimits(total=1, per_host=1, patience=_LONG))
    assert await turns.take("a.example.com")
    first, second = (asyncio.create_task(turns.take("b.example.com")) for _ in range(2))
    await asyncio.sleep(0)  # lets both begin to wait: the first for the total, the second for its host
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    turns.give_back("a.example.com")
    assert await second


async def test_a_host_is_forgotten_when_nobody_asks_it() -> None:
    turns = Turns(TurnLimits(total=1, per_host=1, patience=_TINY))
    assert await turns.take("a.example.com")
    assert not await turns.take("b.example.com")
    assert turns.hosts() == {"a.example.com"}
    turns.give_back("a.example.com")
    assert turns.hosts() == set()
